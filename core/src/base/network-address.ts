/** The network that an address names behind `#`, which no server is sent. A page loads this at once. */
import { isNetworkId, type NetworkId } from './ids.ts';

/** The network that has to be at this address; null: whichever is there. */
export function networkIn({ hash }: URL): NetworkId | null {
  const network = hash.slice(1);
  return isNetworkId(network) ? network : null;
}

/** The address, for peers that enter no other network there. */
export function addressIn(address: URL, network: NetworkId): URL {
  return new URL(`#${network}`, address);
}
