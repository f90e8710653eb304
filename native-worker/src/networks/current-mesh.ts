/** The mesh that a command means where nobody names one. */
import { addressIn } from '@llmesh/core/base/ids';
import { dataFolder } from '../files/data-folder.ts';
import { findNetwork } from './find-network.ts';
import { NetworkFolder } from './network-folder.ts';

/**
 * An address of the network that this computer joined last, and of no other; null: it joined none. Where none answers it is
 * the latest, so that whoever tries it can say why. Rejects with the system's error where the data folder cannot be read.
 */
export async function currentMesh(data: string | undefined): Promise<URL | null> {
  const networks = new NetworkFolder(dataFolder(data));
  const network = await networks.current();
  const addresses = network === null ? [] : await networks.addresses(network);
  const [latest] = addresses;
  if (network === null || latest === undefined) return null;
  if (addresses.length === 1) return addressIn(latest, network);
  const found = await findNetwork(network, addresses).then(
    ({ address }) => address,
    () => latest,
  );
  return addressIn(found, network);
}
