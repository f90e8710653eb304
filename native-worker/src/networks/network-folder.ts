/**
 * The networks that this computer founded or joined: in the data folder, `networks/<id>/` has the signed genesis and where the
 * network can be reached, and `networks/current` the id of the one that commands mean where nobody names a mesh.
 */
import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import { MeshError } from '@llmesh/core/base/errors';
import { isNetworkId, type NetworkId } from '@llmesh/core/base/ids';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { readGenesis, type Genesis } from '@llmesh/core/networks/genesis';
import { makeDataFolder } from '../files/data-folder.ts';
import { openFresh, readOwn } from '../files/own-file.ts';
import { createWhole, errno } from '../files/whole-file.ts';

const NETWORKS = 'networks';
const GENESIS_FILE = 'genesis';
const ADDRESSES_FILE = 'addresses.json';
const CURRENT_FILE = 'current';
const MAX_FILE_BYTES = 65_536;
/** Of more, those that were learnt first are forgotten. */
export const MAX_ADDRESSES = 32;

const AddressesSchema = v.pipe(v.array(v.pipe(v.string(), v.url())), v.maxLength(MAX_ADDRESSES));

export class NetworkFolder {
  readonly #folder: string;

  /** `dataFolder`: absolute. */
  constructor(dataFolder: string) {
    this.#folder = path.join(dataFolder, NETWORKS);
  }

  /** The folder of one network. */
  of(network: NetworkId): string {
    return path.join(this.#folder, network);
  }

  /** Its signed genesis, as a file. */
  genesisFile(network: NetworkId): string {
    return path.join(this.of(network), GENESIS_FILE);
  }

  /** All that are known here. */
  async list(): Promise<NetworkId[]> {
    try {
      return (await readdir(this.#folder)).filter(isNetworkId).sort((a, b) => (a < b ? -1 : 1));
    } catch (thrown) {
      if (errno(thrown) === 'ENOENT') return [];
      throw thrown;
    }
  }

  /** Null: it is not known here. Rejects with identity_unusable where the file is not its genesis. */
  async genesis(network: NetworkId): Promise<Genesis | null> {
    const file = this.genesisFile(network);
    const text = await textOf(file);
    if (text === null) return null;
    const bytes = fromBase32(text.trim());
    const genesis = bytes === null ? null : readGenesis(bytes, nodeVerify);
    if (genesis?.network === network) return genesis;
    throw new MeshError('identity_unusable', `${file} is not the genesis of ${network}. Move it away, and join again.`);
  }

  /** Idempotent. */
  async keep({ network, bytes }: Genesis): Promise<void> {
    await makeDataFolder(this.of(network));
    await createWhole(this.genesisFile(network), `${toBase32(bytes)}\n`);
  }

  /** Where it was reached, the latest first. */
  async addresses(network: NetworkId): Promise<URL[]> {
    const text = await textOf(path.join(this.of(network), ADDRESSES_FILE));
    if (text === null) return [];
    const read = v.safeParse(AddressesSchema, parsed(text));
    return read.success ? read.output.map((address) => new URL(address)) : [];
  }

  /** It was reached there. */
  async learn(network: NetworkId, reached: readonly URL[]): Promise<void> {
    const known = [...reached, ...(await this.addresses(network))].map(({ origin }) => origin);
    const addresses = [...new Set(known)].slice(0, MAX_ADDRESSES);
    await replace(path.join(this.of(network), ADDRESSES_FILE), `${JSON.stringify(addresses)}\n`);
  }

  /** The one that commands mean where no mesh is named; null: none. */
  async current(): Promise<NetworkId | null> {
    const text = await textOf(path.join(this.#folder, CURRENT_FILE));
    const network = text?.trim();
    return isNetworkId(network) ? network : null;
  }

  /** Null: no network, as before the first was joined. */
  async choose(network: NetworkId | null): Promise<void> {
    const file = path.join(this.#folder, CURRENT_FILE);
    if (network === null) await rm(file, { force: true });
    else await replace(file, `${network}\n`);
  }
}

/** Null: there is no such file. */
async function textOf(file: string): Promise<string | null> {
  try {
    return await readOwn(file, MAX_FILE_BYTES);
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

/** Whole or not at all. */
async function replace(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  const handle = await openFresh(draft);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // What a person damaged is learnt again.
    return null;
  }
}
