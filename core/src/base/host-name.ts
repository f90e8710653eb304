/**
 * A `Host` header, read strictly. A stranger's page may make its own name point at this computer (DNS rebinding), and then
 * asks us with the browser's blessing, but always by that name.
 */

export interface HostName {
  /** The host in lower case, without a dot at its end; IPv6 in its shortest form and without brackets. */
  readonly name: string;
  /** The port as it was written; null: that of the scheme. */
  readonly port: number | null;
  readonly kind: 'name' | 'ipv4' | 'ipv6';
}

/** RFC 1035: no name is longer, and we read no longer header. */
const MAX_CHARACTERS = 253 + ':65535'.length;
const HOST = /^(?:\[([0-9a-f:.]{2,45})\]|([0-9a-z_](?:[0-9a-z._-]*[0-9a-z_-])?)\.?)(?::(\d{1,5}))?$/;
/** A last label with which `URL` and browsers read the whole name as an address. */
const NUMERIC = /^(?:\d+|0x[0-9a-f]*)$/;
/**
 * Endings that nobody can register: for one's own network (RFC 6762, RFC 8375, ICANN's resolution on .internal), and what
 * routers are used to.
 */
const PRIVATE_ENDINGS = ['.local', '.internal', '.home.arpa', '.lan'];
/** What programs in containers and virtual machines call the computer that these run on. */
const FROM_CONTAINER = /^(?:host|gateway)\.[a-z][a-z-]{0,30}\.internal$/;

/** Null: no browser or well-meaning program would send such a host. */
export function readHost(text: string): HostName | null {
  if (text.length > MAX_CHARACTERS) return null;
  const [, v6, bare, digits] = HOST.exec(text.toLowerCase()) ?? [];
  const port = digits === undefined ? null : Number(digits);
  if (port !== null && port > 65_535) return null;
  if (v6 !== undefined) {
    const name = shortestV6(v6);
    return name === null ? null : { name, port, kind: 'ipv6' };
  }
  if (bare === undefined || bare.split('.').includes('')) return null;
  if (!NUMERIC.test(bare.slice(bare.lastIndexOf('.') + 1))) return { name: bare, port, kind: 'name' };
  return isV4(bare) ? { name: bare, port, kind: 'ipv4' } : null;
}

/** Whether the name leads to this computer, whatever a DNS server says. */
export function isLoopback({ name, kind }: HostName): boolean {
  if (kind === 'ipv4') return name.startsWith('127.');
  if (kind === 'ipv6') return name === '::1' || /^::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}$/.test(name);
  return name === 'localhost' || name.endsWith('.localhost');
}

/** Whether an address means "wherever I am", which systems connect to themselves. Programs copy it from what a server prints. */
export function isUnspecified({ name }: HostName): boolean {
  return name === '0.0.0.0' || name === '::';
}

/** Whether a program in a container calls this computer so. Nobody can register such a name. */
export function isNameFromContainer({ name, kind }: HostName): boolean {
  return kind === 'name' && FROM_CONTAINER.test(name);
}

/** By what a computer with that host name is known: as it is, without its domain, and as announced in its network (RFC 6762). */
export function machineNames(hostname: string): string[] {
  const read = readHost(hostname);
  if (read?.kind !== 'name') return [];
  const [short = ''] = read.name.split('.');
  return [...new Set([read.name, short, `${short}.local`])];
}

/** Whether the name belongs to one's own network, so that no stranger has a page under it. */
export function isPrivateName({ name, kind }: HostName): boolean {
  if (kind !== 'name') return false;
  return !name.includes('.') || PRIVATE_ENDINGS.some((ending) => name.endsWith(ending));
}

/** Four numbers as they are usually written; browsers turn all other spellings into this one. */
function isV4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function shortestV6(text: string): string | null {
  try {
    return new URL(`http://[${text}]`).hostname.slice(1, -1);
  } catch {
    return null;
  }
}
