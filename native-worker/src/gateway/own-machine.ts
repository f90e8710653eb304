/** What this computer is called, and where it is reached: programs that run here use all of it. */
import os from 'node:os';
import { isOwnName } from '@llmesh/core/base/host-guard';
import { isLoopback, isUnspecified, machineNames, readHost } from '@llmesh/core/base/host-name';

export interface OwnMachine {
  names: readonly string[];
  /** The addresses of its network cards, in the shortest form. They change, as those of a laptop do. */
  addresses: () => readonly string[];
}

export const thisMachine: OwnMachine = {
  names: machineNames(os.hostname()),
  addresses: () =>
    Object.values(os.networkInterfaces())
      .flat()
      .flatMap((one) => (one === undefined ? [] : [bare(one.address)])),
};

/** Who asks, and as what. */
export interface Asker {
  /** The address that the request comes from. */
  address: string;
  host: string;
  origin: string | undefined;
}

/**
 * Whether a program of this computer asks for this computer. The name must be ours, too: a page in a browser here can have
 * its own name lead here (DNS rebinding). A container behind a bridge has an address of its own, and may serve strangers:
 * it is not let in as one of our programs.
 */
export function asksHere({ address, host, origin }: Asker, { names, addresses }: OwnMachine): boolean {
  const read = readHost(host);
  if (read === null) return false;
  const from = bare(address);
  const loopback = isLoopbackAddress(address);
  if (loopback && isLoopback(read)) return true;
  const own = addresses();
  if (!loopback && !own.includes(from)) return false;
  if (read.kind !== 'name') return isLoopback(read) || isUnspecified(read) || own.includes(bare(read.name));
  return isLoopback(read) || (origin === undefined && isOwnName(read, names));
}

export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(address);
}

/** Without the zone of a link-local address, and without IPv6 around IPv4. */
function bare(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
}
