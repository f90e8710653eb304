/** Which proxy a request goes through: what companies set in HTTPS_PROXY, HTTP_PROXY and NO_PROXY. */
import { BlockList, isIP } from 'node:net';
import { isLoopback, isPrivateName, isUnspecified, readHost } from '@llmesh/core/base/host-name';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that say it. Others know them in lower case, which wins, as in curl. */
export const PROXY_VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'] as const;

/** A fault of the proxy or of its address, in words for a person. */
export class ProxyError extends Error {
  /** What to do about it: the rest of the message. */
  readonly advice: string;
  /** Whether asking again may help. */
  readonly passing: boolean;

  constructor(fault: string, advice: string, { passing = false } = {}) {
    super(`${fault}. ${advice}`);
    this.name = 'ProxyError';
    this.advice = advice;
    this.passing = passing;
  }

  get fault(): string {
    return this.message.slice(0, -this.advice.length - 2);
  }
}

/** Networks of one's own (RFC 1918, RFC 3927, RFC 4193, RFC 4291): no proxy stands on the way to a mesh there. */
const LOCAL = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const)
  LOCAL.addSubnet(network, bits, 'ipv4');
for (const [network, bits] of [
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  LOCAL.addSubnet(network, bits, 'ipv6');

/** `url`: http, https, ws or wss. Null: the request goes there directly. Throws a ProxyError. */
export function proxyFor(url: URL, env: Environment = process.env): URL | null {
  const secure = url.protocol === 'https:' || url.protocol === 'wss:';
  const variable = secure ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = env[variable.toLowerCase()] || env[variable] || '';
  if (text === '' || isLocal(url) || isExcepted(url, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return null;
  const whole = /^[a-z0-9+.-]+:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(whole) ? new URL(whole) : null;
  if (proxy !== null && /^https?:$/.test(proxy.protocol)) return proxy;
  throw new ProxyError(`${variable} is not the address of an HTTP proxy`, 'Write it like http://proxy.example:3128.');
}

function isLocal({ host }: URL): boolean {
  const read = readHost(host);
  if (read === null) return false;
  if (isLoopback(read) || isUnspecified(read) || isPrivateName(read)) return true;
  return read.kind !== 'name' && LOCAL.check(read.name, read.kind);
}

/** NO_PROXY: names with all that end in them, addresses, networks as 10.0.0.0/8, each also with a port; `*` is everything. */
function isExcepted({ hostname, port, protocol }: URL, list: string): boolean {
  const host = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  const usualPort = protocol === 'https:' || protocol === 'wss:' ? '443' : '80';
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', only] = /^(.*?)(?::(\d{1,5}))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
      if (name === '' || (only !== undefined && only !== (port || usualPort))) return false;
      return matches(host, name.replace(/^\[|\]$/g, '').replace(/^\*?\.?/, ''));
    });
}

function matches(host: string, entry: string): boolean {
  if (host === entry || host.endsWith(`.${entry}`)) return isIP(host) === 0 || host === entry;
  const [network = '', bits] = entry.split('/');
  const [family, kind] = [isIP(host), isIP(network)];
  if (bits === undefined || family === 0 || family !== kind) return false;
  const length = Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > (kind === 4 ? 32 : 128)) return false;
  const block = new BlockList();
  const type = kind === 4 ? 'ipv4' : 'ipv6';
  block.addSubnet(network, length, type);
  return block.check(host, type);
}
