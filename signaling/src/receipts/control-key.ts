/** The control plane's own key: 32 secret bytes in its data folder. Without it, no earlier lease or receipt counts. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { SECRET_KEY_BYTES, type Identity, type verify } from '@llmesh/core/identity/identity';
import { identityIn, verifyIn } from '@llmesh/core/identity/network-bound';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { signDraw, type Draw } from '@llmesh/core/proof/draw';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import type { Genesis } from '@llmesh/core/networks/genesis';
import { readGenesisFile } from '../store/genesis-file.ts';
import { oddFile, OWNER_ONLY, PLAIN_FILE } from '../store/data-folder.ts';

export const KEY_FILE = 'control.key';
const KEY = /^[0-9a-f]{64}\n$/;
const KEY_BYTES = 65;
const GROUP_AND_OTHERS = 0o077;

/** Signs, and proves that what it draws was not chosen; the secret itself stays inside. All that it signs counts in its network alone. */
export interface ControlKey extends Identity {
  /** Null: this mesh has no genesis. */
  readonly genesis: Genesis | null;
  /** Checks what others signed in this network. */
  readonly verify: typeof verify;
  /** Signs a note of the log, whose form is not ours; its origin names the network. */
  readonly signNote: Identity['sign'];
  /** The draw of an epoch, and its signed bytes: see `proof/draw.ts`. */
  draw(about: Pick<Draw, 'epoch' | 'root'>): Promise<{ draw: Draw; bytes: Uint8Array<ArrayBuffer> }>;
}

/**
 * `folder` null: a key for this process alone, in the network of `genesis`; else in that of the folder. Rejects with
 * identity_unusable for an unsafe or unreadable key, or a damaged genesis.
 */
export async function openControlKey(folder: string | null, genesis: Genesis | null = null): Promise<ControlKey> {
  if (folder === null) return controlKey(randomBytes(SECRET_KEY_BYTES), 'thread', genesis);
  const file = path.join(folder, KEY_FILE);
  try {
    await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
    const text = (await read(file)) ?? (await make(file));
    if (!KEY.test(text))
      throw unusable(`${file} is damaged. Bring it back from a copy, or move it away to start over.`);
    return controlKey(Buffer.from(text.trim(), 'hex'), 'thread', await readGenesisFile(folder));
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    const why = errno(thrown) ?? String(thrown);
    throw unusable(`The key in ${file} cannot be kept (${why}). Choose another folder with --data.`);
  }
}

/** Keeps a copy of the secret, which cannot be printed with the key. `where`: see `nodeIdentity`. */
export function controlKey(
  secret: Uint8Array,
  where: 'here' | 'thread' = 'thread',
  genesis: Genesis | null = null,
): ControlKey {
  const key = new Uint8Array(secret);
  const unbound = nodeIdentity(key, where);
  const binding = { network: genesis?.network ?? null };
  const identity = identityIn(binding, unbound);
  return {
    ...identity,
    genesis,
    verify: verifyIn(binding, nodeVerify),
    signNote: (message) => unbound.sign(message),
    draw: (about) => signDraw(about, identity, key),
  };
}

/** Null: there is none. */
async function read(file: string): Promise<string | null> {
  try {
    const odd = oddFile(file);
    if (odd !== null) throw unusable(odd);
    const handle = await open(file, constants.O_RDONLY | PLAIN_FILE);
    try {
      const stats = await handle.stat();
      // It changed at this very moment.
      if (!stats.isFile()) throw unusable(`${file} is not a plain file. Move it away, and start again.`);
      const { mode } = stats;
      if (process.platform !== 'win32' && (mode & GROUP_AND_OTHERS) !== 0) {
        throw unusable(`Other accounts can read the secret key ${file}. Run: chmod 600 '${file}'.`);
      }
      // One byte more than a key has reveals a longer file.
      const bytes = Buffer.alloc(KEY_BYTES + 1);
      const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0);
      return bytes.toString('latin1', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

/** All or nothing, and never replacing another: a link replaces nothing. Returns what is there then. */
async function make(file: string): Promise<string> {
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    try {
      await handle.writeFile(`${Buffer.from(randomBytes(SECRET_KEY_BYTES)).toString('hex')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file).catch((thrown: unknown) => {
      if (errno(thrown) !== 'EEXIST') throw thrown;
    });
  } finally {
    await unlink(draft);
  }
  return (await read(file)) ?? '';
}

function errno(thrown: unknown): string | null {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  return typeof code === 'string' ? code : null;
}

function unusable(message: string): MeshError {
  return new MeshError('identity_unusable', message);
}
