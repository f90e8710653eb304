/** Which network is served at an address, and which of several addresses serves one. */
import { fromBase32 } from '@llmesh/core/base/base32';
import { MeshError } from '@llmesh/core/base/errors';
import type { NetworkId } from '@llmesh/core/base/ids';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { readGenesis, type Genesis } from '@llmesh/core/networks/genesis';
import { NetworkPageSchema } from '@llmesh/core/wire/api-pages';
import { readPage } from '../node/mesh-api.ts';

export interface FoundNetwork {
  readonly genesis: Genesis;
  readonly address: URL;
}

/** The genesis that a server shows; null: its mesh has none. Rejects as `readPage` does, or with bad_message for none. */
export async function genesisAt(address: URL): Promise<Genesis | null> {
  const { genesis } = await readPage(new URL('/api/network', address), NetworkPageSchema);
  if (genesis === null) return null;
  const bytes = fromBase32(genesis);
  const read = bytes === null ? null : readGenesis(bytes, nodeVerify);
  if (read !== null) return read;
  throw new MeshError(
    'bad_message',
    `What ${address.origin} shows is no genesis, or one of a newer version of LLMesh.`,
  );
}

/** The first of these addresses that serves the network. Rejects with control_unreachable, which says what each one answered. */
export async function findNetwork(network: NetworkId, addresses: readonly URL[]): Promise<FoundNetwork> {
  try {
    return await Promise.any(addresses.map((address) => servedAt(network, address)));
  } catch (thrown) {
    const reasons = thrown instanceof AggregateError ? thrown.errors : [thrown];
    const words = reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason)));
    throw new MeshError('control_unreachable', words.join('\n'), { cause: thrown });
  }
}

async function servedAt(network: NetworkId, address: URL): Promise<FoundNetwork> {
  const genesis = await genesisAt(address);
  if (genesis?.network === network) return { genesis, address };
  const other = genesis === null ? 'a mesh without a genesis' : `"${genesis.name}" (${genesis.network})`;
  throw new MeshError('control_refused', `${address.origin} serves ${other}, and not ${network}.`);
}
