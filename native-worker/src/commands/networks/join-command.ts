/** `llmesh join` and `llmesh networks`. */
import { MeshError } from '@llmesh/core/base/errors';
import type { NetworkId } from '@llmesh/core/base/ids';
import type { Output } from '../../cli/output.ts';
import { dataFolder } from '../../files/data-folder.ts';
import { findNetwork } from '../../networks/find-network.ts';
import { NetworkFolder } from '../../networks/network-folder.ts';

export interface JoinOptions {
  network: NetworkId;
  bootstrap: URL[];
  data?: string;
}

/** Rejects with control_unreachable where none of the addresses serves it. */
export async function joinNetwork({ network, bootstrap, data }: JoinOptions, output: Output): Promise<void> {
  const networks = new NetworkFolder(dataFolder(data));
  const addresses = [...bootstrap, ...(await networks.addresses(network))];
  if (addresses.length === 0) {
    const message = `Nobody has said yet where ${network} is served. Ask whoever invited you, and add --bootstrap ws://…`;
    throw new MeshError('control_unreachable', message);
  }
  const { genesis, address } = await findNetwork(network, addresses);
  await networks.keep(genesis);
  // The one that answers first goes first, and the others are tried when it does not.
  await networks.learn(network, [address, ...bootstrap]);
  await networks.choose(network);
  const { name, credit } = genesis;
  output.print(`You are in ${name}, at ${address.origin}. Its credits are ${credit.name} (${credit.symbol}).`, {
    ...{ network, name, credit, address: address.origin },
  });
  output.note('\nLend a model there with: llmesh worker --model llmesh-tiny\nAsk with: llmesh chat "What is a mesh?"');
}

export async function listNetworks({ leave, data }: { leave?: true; data?: string }, output: Output): Promise<void> {
  const networks = new NetworkFolder(dataFolder(data));
  if (leave === true) await networks.choose(null);
  const current = await networks.current();
  const all = [];
  for (const network of await networks.list()) {
    const genesis = await networks.genesis(network);
    if (genesis === null) continue;
    const { name, credit } = genesis;
    const addresses = (await networks.addresses(network)).map(({ origin }) => origin);
    all.push({ network, name, credit, addresses, current: network === current });
  }
  const lines = all.map(
    ({ network, name, credit, current: is }) => `${is ? '*' : ' '} ${network}  ${name} (${credit.symbol})`,
  );
  output.print(lines.length > 0 ? lines.join('\n') : 'This computer has founded and joined no network yet.', {
    networks: all,
  });
}
