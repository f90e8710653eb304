/** What this mesh may have been dialled as. A peer signs the host that it dialled (`key-proof.ts`): it must be one of these. */
import type { IncomingMessage } from 'node:http';

export interface HostOptions {
  /** Our own names, each with its port unless that is 80 or 443. Empty: whatever a request says. */
  hosts: readonly string[];
  /** A reverse proxy of ours stands in front. */
  trustProxy: boolean;
}

/**
 * Whoever relays a challenge to its own visitors writes the request, and can name itself in it: only a mesh that knows
 * its names is proof against that. On this computer nobody stands in between.
 */
export function hostReader({ hosts, trustProxy }: HostOptions): (request: IncomingMessage) => readonly string[] {
  const known = hosts.map((host) => host.toLowerCase());
  return (request) => {
    const asked = askedHost(request, trustProxy);
    if (asked === null) return known;
    return known.length === 0 || known.includes(asked) || isLoopback(asked) ? [asked] : known;
  };
}

function askedHost({ headers }: IncomingMessage, trustProxy: boolean): string | null {
  // The last entry is the one that our own proxy added.
  const forwarded = trustProxy ? [headers['x-forwarded-host']].flat().at(-1)?.split(',').at(-1)?.trim() : undefined;
  return (forwarded || headers.host)?.toLowerCase() ?? null;
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(host);
}
