/** Where a request comes from, for counting. Behind a proxy of the operator's that is what the proxy says. */
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';

export function addressReader(trustProxy: boolean): (request: IncomingMessage) => string {
  const remoteOf = remoteReader(trustProxy);
  return (request) => networkOf(remoteOf(request));
}

/** The very address. */
export function remoteReader(trustProxy: boolean): (request: IncomingMessage) => string {
  return (request) => {
    // The last entry is the one that our own proxy added; those before are the client's to invent.
    const forwarded = trustProxy
      ? [request.headers['x-forwarded-for']].flat().at(-1)?.split(',').at(-1)?.trim()
      : undefined;
    return forwarded || (request.socket.remoteAddress ?? 'unknown');
  };
}

/** What counts as one address: of IPv6 the first 64 bits, since whoever has one address of a network has all of it. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const bare = address.replace(/%.*$/, '');
  if (!isIPv6(bare)) return address;
  const [front = '', back] = bare.split('::');
  const groups = front === '' ? [] : front.split(':');
  const missing = 8 - groups.length - (back === undefined || back === '' ? 0 : back.split(':').length);
  if (back !== undefined) groups.push(...Array.from({ length: missing }, () => '0'), ...back.split(':'));
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** The network around one that `networkOf` named: /24 of IPv4, /56 of IPv6, which is what a customer is commonly given. */
export function widerNetworkOf(network: string): string {
  const groups = /^([0-9a-f:]+)::\/64$/.exec(network)?.[1]?.split(':');
  if (groups?.length === 4) {
    const last = Number.parseInt(groups[3] ?? '', 16) & 0xff00;
    return `${[...groups.slice(0, 3), last.toString(16)].join(':')}::/56`;
  }
  return /^\d+\.\d+\.\d+\.\d+$/.test(network) ? `${network.replace(/\.\d+$/, '')}.0/24` : network;
}
