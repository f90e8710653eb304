/** The genesis in a data folder: the network that everything in this folder belongs to. A folder has one for good, or none. */
import { existsSync } from 'node:fs';
import { open, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { MAX_GENESIS_BYTES, readGenesis, type Genesis } from '@llmesh/core/networks/genesis';
import { oddFile, OWNER_ONLY } from './data-folder.ts';

export const GENESIS_FILE = 'genesis';

/** Null: there is none. Rejects with identity_unusable for one that is damaged. */
export async function readGenesisFile(folder: string): Promise<Genesis | null> {
  const file = path.join(folder, GENESIS_FILE);
  const bytes = await bytesOf(file);
  if (bytes === null) return null;
  const genesis = readGenesis(bytes, nodeVerify);
  if (genesis === null) throw unusable(`${file} is no genesis, or damaged. Bring it back from a copy.`);
  return genesis;
}

/** `file`: what `llmesh init` wrote. Rejects with identity_unusable for what is no genesis. */
export async function readGenesisAt(file: string): Promise<Uint8Array> {
  const bytes = await bytesOf(file);
  if (bytes === null) throw unusable(`There is no file ${file}. "llmesh init" writes one.`);
  if (readGenesis(bytes, nodeVerify) === null) throw unusable(`${file} is no genesis. "llmesh init" writes one.`);
  return bytes;
}

/**
 * Makes the folder that of this network. `begun`: a file that is there once a mesh has run in the folder. Rejects with
 * identity_unusable where the folder is another network's, or that of a mesh that began without one: what is signed there
 * would count no longer.
 */
export async function foundIn(folder: string, genesis: Uint8Array, begun: string): Promise<void> {
  const here = await bytesOf(path.join(folder, GENESIS_FILE));
  if (here !== null && Buffer.compare(here, genesis) === 0) return;
  if (here !== null) throw unusable(`${folder} is the data folder of another network. Choose another one with --data.`);
  if (existsSync(path.join(folder, begun)))
    throw unusable(`${folder} is the data folder of a mesh without a genesis. Choose another one with --data.`);
  await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
  const handle = await open(path.join(folder, GENESIS_FILE), 'wx', 0o600);
  try {
    await handle.writeFile(genesis);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function bytesOf(file: string): Promise<Buffer | null> {
  const odd = oddFile(file);
  if (odd !== null) throw unusable(odd);
  if (!existsSync(file)) return null;
  const handle = await open(file, 'r');
  try {
    // One byte more than the largest reveals a longer file.
    const bytes = Buffer.alloc(MAX_GENESIS_BYTES + 1);
    const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function unusable(message: string): MeshError {
  return new MeshError('identity_unusable', message);
}
