/** Who this computer is on every mesh: 32 secret bytes in the data folder. Lost, they cannot be had again. */
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { SECRET_KEY_BYTES, type Identity } from '@llmesh/core/identity/identity';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { makeDataFolder } from '../files/data-folder.ts';
import { openOwn } from '../files/own-file.ts';
import { takeLock } from '../files/process-lock.ts';
import { createWhole, errno } from '../files/whole-file.ts';

const KEY_FILE = 'identity.key';
const LOCK_FILE = 'identity.lock';
const KEY = /^[0-9a-f]{64}\n?$/;
const MAX_FILE_BYTES = 65;
const GROUP_AND_OTHERS = 0o077;

export interface OpenIdentity {
  readonly identity: Identity;
  /** Why it is forgotten when the process ends, in words for a person; null: it is the data folder's. */
  readonly temporary: string | null;
  /** Lets another process have it. Idempotent. */
  close(): Promise<void>;
}

/**
 * The identity of a data folder, made at the first call. Two peers with one key would throw each other off the mesh:
 * while another process has it, and where none can be kept, this one gets a fresh one. Rejects with
 * identity_unusable when there is a key that must not or cannot be used.
 */
export async function openIdentity(folder: string): Promise<OpenIdentity> {
  // A key that others can read is an error for the second worker, too.
  const known = await readIdentityKey(folder);
  let release: (() => Promise<void>) | null = null;
  try {
    await makeDataFolder(folder);
    release = await takeLock(path.join(folder, LOCK_FILE));
    if (release === null) return temporary(`Another worker here uses the identity in ${folder}`);
    const identity = nodeIdentity(known ?? (await makeKey(folder)));
    return { identity, temporary: null, close: release };
  } catch (thrown) {
    await release?.();
    if (thrown instanceof MeshError) throw thrown;
    return temporary(`No identity can be kept in ${folder} (${errno(thrown) ?? String(thrown)})`);
  }
}

/** Null when the folder has none. Rejects with identity_unusable for a file that others can read, or that is not a key. */
export async function readIdentityKey(folder: string): Promise<Uint8Array | null> {
  const file = identityFile(folder);
  const text = await readSecret(file);
  if (text === null) return null;
  if (!KEY.test(text)) {
    throw unusable(
      `${file} is damaged. Move it away; then bring your export back with "llmesh identity import", or start with a new identity.`,
    );
  }
  return Uint8Array.from(Buffer.from(text.trim(), 'hex'));
}

/** The key of a folder that has one. Rejects with identity_unusable, whose words say how to get one. */
export async function existingIdentityKey(folder: string): Promise<Uint8Array> {
  const key = await readIdentityKey(folder);
  if (key !== null) return key;
  throw unusable(
    `There is no identity in ${folder} yet. "llmesh worker" makes one; "llmesh identity import" brings one back.`,
  );
}

/** False when the folder has an identity already: none is ever overwritten. */
export async function keepIdentityKey(folder: string, key: Uint8Array): Promise<boolean> {
  await makeDataFolder(folder);
  return createWhole(identityFile(folder), `${Buffer.from(key).toString('hex')}\n`);
}

export function identityFile(folder: string): string {
  return path.join(folder, KEY_FILE);
}

async function makeKey(folder: string): Promise<Uint8Array> {
  await keepIdentityKey(folder, randomBytes(SECRET_KEY_BYTES));
  // It is read back: it may have been imported this very moment, and it must be readable the next time.
  const kept = await readIdentityKey(folder);
  if (kept === null) throw unusable(`${identityFile(folder)} was removed while it was being made. Start again.`);
  return kept;
}

/** One byte more than a key has tells one from what is longer. */
async function readSecret(file: string): Promise<string | null> {
  try {
    const handle = await openOwn(file);
    try {
      // The mode is that of the open file, not of its name: nobody can swap the file in between. Windows has no such modes.
      const { mode } = await handle.stat();
      if (process.platform !== 'win32' && (mode & GROUP_AND_OTHERS) !== 0) throw tooOpen(file);
      const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
      const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0);
      return bytes.toString('latin1', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    if (errno(thrown) === 'ENOENT' || errno(thrown) === 'ENOTDIR') return null;
    throw unusable(
      `${file} cannot be read (${errno(thrown) ?? String(thrown)}). Give it to the account that runs this.`,
    );
  }
}

function temporary(why: string): OpenIdentity {
  return {
    identity: nodeIdentity(randomBytes(SECRET_KEY_BYTES)),
    temporary: `${why}: this one has a fresh identity until it ends. Give it a folder of its own with --data.`,
    close: async () => {},
  };
}

function tooOpen(file: string): MeshError {
  return unusable(
    `Other accounts can read the secret key ${file}. Run: chmod 600 '${file}'. If that changes nothing, this disk keeps no permissions: choose another with --data.`,
  );
}

function unusable(message: string): MeshError {
  return new MeshError('identity_unusable', message);
}
