/** The keys that open a gateway: a file of names and hashes, so that reading it gives nobody a key. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { toBase32 } from '@llmesh/core/base/base32';
import { MeshError } from '@llmesh/core/base/errors';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { openGiven } from '../files/own-file.ts';
import { errno } from '../files/whole-file.ts';

/** A lost key can be found by its beginning in logs and repositories. */
const PREFIX = 'sk-llmesh-';
const KEY_BYTES = 20;
const LINE = /^([A-Za-z0-9._-]{1,64}) ([0-9a-f]{64})$/;
const MAX_FILE_BYTES = 1_048_576;
const GROUP_AND_OTHERS = 0o077;

export interface ApiKey {
  name: string;
  /** SHA-256. The key is 160 random bits: nobody guesses it, and no slow hash is needed. */
  hash: Buffer;
}

/** Empty when there is no such file. Rejects with key_unreadable for a file that others can read, or that has no keys in it. */
export async function readKeys(file: string): Promise<ApiKey[]> {
  const lines = (await readSecret(file)).split('\n').map((line) => line.trim());
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    const [, name, hash] = LINE.exec(line) ?? [];
    if (name === undefined || hash === undefined) {
      throw unreadable(`Line ${index + 1} of ${file} is not a key. Remove it, and make one with "llmesh key <name>".`);
    }
    return [{ name, hash: Buffer.from(hash, 'hex') }];
  });
}

/** Returns a fresh key, which is kept nowhere. Rejects with key_unreadable where the name is taken or invalid. */
export async function addKey(file: string, name: string): Promise<string> {
  const key = `${PREFIX}${toBase32(randomBytes(KEY_BYTES))}`;
  const line = `${name} ${hashOf(key).toString('hex')}`;
  if (!LINE.test(line)) throw unreadable(`"${name}" is not a name for a key. Use letters, digits, dots and dashes.`);
  if ((await readKeys(file)).some((known) => known.name === name)) {
    throw unreadable(`There is a key named ${name} already. Take another name, or remove its line from ${file}.`);
  }
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const handle = await open(file, 'a', 0o600);
    try {
      await handle.appendFile(`${line}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    throw unreadable(`No key can be kept in ${file} (${errno(thrown) ?? String(thrown)}). Choose another with --keys.`);
  }
  return key;
}

/** Whose key it is; null: nobody's. Takes equally long for every wrong key. */
export function ownerOf(key: string, keys: readonly ApiKey[]): ApiKey | null {
  const hash = hashOf(key);
  let owner: ApiKey | null = null;
  for (const known of keys) if (timingSafeEqual(known.hash, hash)) owner = known;
  return owner;
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

async function readSecret(file: string): Promise<string> {
  try {
    const handle = await openGiven(file);
    try {
      // The mode is that of the open file, not of its name: nobody can swap the file in between. Windows has no such modes.
      const { mode, size } = await handle.stat();
      if (process.platform !== 'win32' && (mode & GROUP_AND_OTHERS) !== 0) {
        throw unreadable(`Other accounts can read the keys in ${file}. Run: chmod 600 '${file}'.`);
      }
      if (size > MAX_FILE_BYTES)
        throw unreadable(`${file} is too large for a file of keys. Name the right one with --keys.`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    if (errno(thrown) === 'ENOENT' || errno(thrown) === 'ENOTDIR') return '';
    throw unreadable(
      `${file} cannot be read (${errno(thrown) ?? String(thrown)}). Give it to the account that runs this.`,
    );
  }
}

function unreadable(message: string): MeshError {
  return new MeshError('key_unreadable', message);
}
