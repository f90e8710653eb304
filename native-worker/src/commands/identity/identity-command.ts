/** `llmesh identity`: who this computer is, and how to bring that to another disk. */
import { createReadStream } from 'node:fs';
import { MeshError } from '@llmesh/core/base/errors';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { exportKey, importKey } from '@llmesh/core/identity/key-export';
import { fingerprint, peerName } from '@llmesh/core/identity/names';
import { dataFolder } from '../../files/data-folder.ts';
import { existingIdentityKey, identityFile, keepIdentityKey, readIdentityKey } from '../../node/identity-file.ts';
import type { Output } from '../../cli/output.ts';
import { readPassphrase } from '../../cli/passphrase.ts';
import { errno } from '../../files/whole-file.ts';

const KEY_TEXT = /^\s*llmesh-key-/i;
/** The most bytes of a file with a key; a longer file is not a key, and is not read to the end. */
const MAX_FILE_BYTES = 65_536;
/** Ctrl-C ends the whole process, at any point. */
const never = new AbortController().signal;

export async function showIdentity(data: string | undefined, output: Output): Promise<void> {
  const folder = dataFolder(data);
  report(await existingIdentityKey(folder), folder, output);
}

/** Prints nothing but the text on stdout, so that it can go straight into a file. */
export async function exportIdentity(data: string | undefined, output: Output): Promise<void> {
  const key = await existingIdentityKey(dataFolder(data));
  const passphrase = await readPassphrase('A passphrase to close the key with: ', true);
  const text = await exportKey(key, passphrase, { signal: never });
  output.print(text, { peerId: nodeIdentity(key).peerId, key: text });
}

/** `source`: the exported text, or a file that holds it. */
export async function importIdentity(source: string, data: string | undefined, output: Output): Promise<void> {
  const folder = dataFolder(data);
  const text = KEY_TEXT.test(source) ? source : await readText(source);
  const key = await importKey(text, await readPassphrase('The passphrase of this key: ', false), { signal: never });
  const kept = (await keepIdentityKey(folder, key)) || sameBytes(await readIdentityKey(folder), key);
  if (!kept) {
    throw new MeshError(
      'identity_unusable',
      `There is another identity in ${identityFile(folder)}. Move that file away first, or name another folder with --data.`,
    );
  }
  report(key, folder, output);
}

function report(key: Uint8Array, folder: string, output: Output): void {
  const { peerId } = nodeIdentity(key);
  const name = peerName(peerId);
  const print = fingerprint(peerId);
  const file = identityFile(folder);
  output.print([`${name}, ${print}`, `Peer id  ${peerId}`, `File     ${file}`].join('\n'), {
    peerId,
    name,
    fingerprint: print,
    file,
  });
}

async function readText(file: string): Promise<string> {
  try {
    const parts: Buffer[] = [];
    for await (const bytes of createReadStream(file, { end: MAX_FILE_BYTES })) parts.push(bytes as Buffer);
    return Buffer.concat(parts).toString('utf8');
  } catch (cause) {
    throw new MeshError(
      'key_unreadable',
      `${file} is not a key and cannot be read as a file (${errno(cause) ?? String(cause)}). Name one or the other.`,
      { cause },
    );
  }
}

function sameBytes(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0;
}
