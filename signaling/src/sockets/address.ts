/** Where a request comes from, for counting. Behind the operator's own proxy, the proxy says so. */
import type { IncomingMessage } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';

/**
 * Two networks of one client: anyone with one IPv6 address has its first 64 bits, and usually the first 56; anyone with
 * one IPv4 address may rent some of its neighbours.
 */
export interface Networks {
  /** IPv4: the address; IPv6: its /64. */
  readonly narrow: string;
  /** IPv4: its /24; IPv6: its /56. */
  readonly wide: string;
}

/** Connections from an unknown address are counted as one. */
const UNKNOWN: Networks = { narrow: 'unknown', wide: 'unknown' };

export function networksReader(trustProxy: boolean): (request: IncomingMessage) => Networks {
  const remoteOf = remoteReader(trustProxy);
  return (request) => networksOf(remoteOf(request));
}

/** The exact address. */
export function remoteReader(trustProxy: boolean): (request: IncomingMessage) => string {
  return (request) => {
    // The last entry is the one that our own proxy added; the client can forge those before it.
    const forwarded = trustProxy
      ? [request.headers['x-forwarded-for']].flat().at(-1)?.split(',').at(-1)?.trim()
      : undefined;
    return forwarded || (request.socket.remoteAddress ?? 'unknown');
  };
}

/** Some proxies also write the port. Anything but an address counts as unknown: it may be any text, of any length. */
export function networksOf(remote: string): Networks {
  const address = /^\[([^\]]*)\](?::\d+)?$/.exec(remote)?.[1] ?? /^([\d.]+):\d+$/.exec(remote)?.[1] ?? remote;
  if (isIPv4(address)) return ofIPv4(address);
  const bare = address.replace(/%.*$/, '');
  if (!isIPv6(bare)) return UNKNOWN;
  const groups = groupsOf(bare);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return ofIPv4(groups.slice(6).flatMap(bytesOf).join('.'));
  const [a = 0, b = 0, c = 0, d = 0] = groups;
  const front = [a, b, c].map((group) => group.toString(16)).join(':');
  return { narrow: `${front}:${d.toString(16)}::/64`, wide: `${front}:${(d & 0xff00).toString(16)}::/56` };
}

function ofIPv4(address: string): Networks {
  return { narrow: address, wide: `${address.slice(0, address.lastIndexOf('.'))}.0/24` };
}

/** The eight groups of a well-formed IPv6 address, whose last two may be written as IPv4. */
function groupsOf(address: string): number[] {
  const halves = address.split('::').map((half) => (half === '' ? [] : half.split(':').flatMap(groupOf)));
  const [front = [], back] = halves;
  if (back === undefined) return front;
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}

function groupOf(text: string): number[] {
  if (!text.includes('.')) return [Number.parseInt(text, 16)];
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

function bytesOf(group: number): number[] {
  return [group >> 8, group & 0xff];
}

/** The network around one given by `networkOf`: a /24 of IPv4, or a /56 of IPv6, which customers are commonly given. */
export function widerNetworkOf(network: string): string {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(network)) return `${network.slice(0, network.lastIndexOf('.'))}.0/24`;
  const groups = /^([0-9a-f:]+)::\/64$/.exec(network)?.[1]?.split(':');
  if (groups?.length !== 4) return network;
  const last = Number.parseInt(groups[3] ?? '', 16) & 0xff00;
  return `${[...groups.slice(0, 3), last.toString(16)].join(':')}::/56`;
}

/**
 * Is it a network of the internet, given as `networkOf` does? Addresses of this computer and of private networks tell
 * nobody apart: whoever stands there may be anyone.
 */
export function isPublic(network: string): boolean {
  const group = /^([0-9a-f]{1,4}):[0-9a-f:]+::\/64$/.exec(network)?.[1];
  // RFC 4291: global unicast addresses are 2000::/3.
  if (group !== undefined) return Number.parseInt(group, 16) >> 13 === 1;
  if (!isIPv4(network)) return false;
  const [a = 0, b = 0] = network.split('.').map(Number);
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 172) return b < 16 || b > 31;
  if (a === 100) return b < 64 || b > 127;
  return !(a === 192 && b === 168) && !(a === 169 && b === 254);
}
