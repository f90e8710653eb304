/** Whether strangers can reach this device directly, judged from the addresses that its browser finds (ICE, RFC 8445). Pure. */

/** What the browser says of one address. */
export interface Found {
  /** host: its own · srflx: as servers outside see it · relay: on a relay of the mesh's operator */
  type: 'host' | 'srflx' | 'prflx' | 'relay';
  protocol: 'udp' | 'tcp';
  port: number | null;
  /** For an address that a server sees: the port of the device behind it; null: it is not said. */
  relatedPort: number | null;
}

export interface Looked {
  found: readonly Found[];
  /** Servers outside that were asked; relays count, too. */
  asked: { stun: number; turn: number };
}

/**
 * direct: as far as can be told, most people reach it directly · local: it has addresses, and nobody outside was there to ask ·
 * strict: the router gives each partner another port, so that only those behind simple routers come through · relay: only the
 * operator's relay · blocked: nobody outside answered · none: the browser has no addresses at all
 */
export type Reach = 'direct' | 'local' | 'strict' | 'relay' | 'blocked' | 'none';

export function reachOf({ found, asked }: Looked): Reach {
  const outside = found.filter(({ type, protocol }) => (type === 'srflx' || type === 'prflx') && protocol === 'udp');
  if (outside.length > 0) return isStrict(outside) ? 'strict' : 'direct';
  if (found.some(({ type }) => type === 'relay')) return 'relay';
  if (!found.some(({ type }) => type === 'host')) return 'none';
  return asked.stun + asked.turn === 0 ? 'local' : 'blocked';
}

/** One port of the device is seen as several: a symmetric NAT (RFC 4787, section 4.1: address-dependent mapping). */
function isStrict(outside: readonly Found[]): boolean {
  const seen = new Map<number, Set<number>>();
  for (const { port, relatedPort } of outside) {
    if (port === null || relatedPort === null || relatedPort === 0) continue;
    seen.set(relatedPort, (seen.get(relatedPort) ?? new Set()).add(port));
  }
  return [...seen.values()].some((ports) => ports.size > 1);
}
