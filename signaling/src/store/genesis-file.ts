/**
 * The genesis in a data folder, as a line of base32: the network that everything in this folder belongs to. A folder has one for
 * good, or none.
 */
import { existsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import { MeshError } from '@llmesh/core/base/errors';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { readGenesis, type Genesis } from '@llmesh/core/networks/genesis';
import { MAX_GENESIS_BYTES } from '@llmesh/core/wire/fields';
import { oddFile, OWNER_ONLY } from './data-folder.ts';

export const GENESIS_FILE = 'genesis';
/** Five bits a letter, and the end of the line. */
const MAX_FILE_BYTES = Math.ceil((MAX_GENESIS_BYTES * 8) / 5) + 2;

/** Null: there is none. Rejects with identity_unusable for one that is damaged. */
export async function readGenesisFile(folder: string): Promise<Genesis | null> {
  const file = path.join(folder, GENESIS_FILE);
  return existsSync(file) ? readGenesisAt(file) : null;
}

/** `file`: as `llmesh init` wrote it. Rejects with identity_unusable for what is no genesis. */
export async function readGenesisAt(file: string): Promise<Genesis> {
  const odd = oddFile(file);
  if (odd !== null) throw unusable(odd);
  if (!existsSync(file)) throw unusable(`There is no file ${file}. "llmesh init" writes one.`);
  const bytes = fromBase32((await textOf(file)).trim());
  const genesis = bytes === null ? null : readGenesis(bytes, nodeVerify);
  if (genesis === null) throw unusable(`${file} is no genesis, or damaged. "llmesh init" writes one.`);
  return genesis;
}

/**
 * Makes the folder that of this network. `begun`: a file that is there once a mesh has run in the folder. Rejects with
 * identity_unusable where the folder is another network's, or that of a mesh that began without one: what is signed there
 * would count no longer.
 */
export async function foundIn(folder: string, genesis: Genesis, begun: string): Promise<void> {
  const here = await readGenesisFile(folder);
  if (here?.network === genesis.network) return;
  if (here !== null) throw unusable(`${folder} is the data folder of another network. Choose another one with --data.`);
  if (existsSync(path.join(folder, begun)))
    throw unusable(`${folder} is the data folder of a mesh without a genesis. Choose another one with --data.`);
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
  const handle = await open(path.join(folder, GENESIS_FILE), 'wx', 0o600);
  try {
    await handle.writeFile(`${toBase32(genesis.bytes)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function textOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    // One byte more than the largest reveals a longer file.
    const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
    const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0);
    return bytes.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function unusable(message: string): MeshError {
  return new MeshError('identity_unusable', message);
}
