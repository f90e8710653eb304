/** Where a request comes from, for counting. Behind a proxy of the operator's that is what the proxy says. */
import type { IncomingMessage } from 'node:http';

export function addressReader(trustProxy: boolean): (request: IncomingMessage) => string {
  return (request) => {
    // The last entry is the one that our own proxy added; those before are the client's to invent.
    const forwarded = trustProxy
      ? [request.headers['x-forwarded-for']].flat().at(-1)?.split(',').at(-1)?.trim()
      : undefined;
    return forwarded || (request.socket.remoteAddress ?? 'unknown');
  };
}
