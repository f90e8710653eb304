/** Passes `/v1` on to the gateway of this mesh, a process of its own. Nothing of it is read or kept here. */
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { Router, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';

/** Headers that concern one connection: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const HOP_BY_HOP = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);
const RETRY_AFTER_SECONDS = 2;

export interface GatewayRouterOptions {
  /** Where the gateway listens, on this computer alone; null: there is none. */
  gateway: URL | null;
  /** The client's address: the gateway admits by it. */
  remoteOf: (request: IncomingMessage) => string;
  log: Logger;
}

export function gatewayRouter({ gateway, remoteOf, log }: GatewayRouterOptions): Router {
  const router = Router();
  const passOn: RequestHandler = (request, response) => {
    if (gateway === null) return refuse(response, 404, 'This mesh has no gateway. Run one beside it: llmesh gateway');
    // An answer takes as long as it takes; the gateway notices a client that stopped reading.
    request.socket.setTimeout(0);
    const upstream = httpRequest(new URL(gateway.origin), {
      method: request.method,
      path: request.originalUrl,
      headers: { ...endToEnd(request.headers), 'x-forwarded-for': remoteOf(request) },
    });
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
      // Send the headers now: the first part of the answer may take a while.
      response.flushHeaders();
      pipeline(answer, response, () => upstream.destroy());
    });
    upstream.on('error', (error) => {
      log.debug({ err: error }, 'the gateway does not answer');
      if (response.headersSent) response.destroy();
      else refuse(response, 503, "This mesh's gateway is away right now. Try again in a moment.");
    });
    // The client is gone: so is the request.
    response.on('close', () => upstream.destroy());
    pipeline(request, upstream, () => {
      // Either end reports its own errors.
    });
  };
  router.use('/v1', passOn);
  return router;
}

/** Keeps `host`, whatever a stranger calls it: the gateway admits by it. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const dropped = (name: string) => HOP_BY_HOP.has(name) || (name !== 'host' && named.includes(name));
  const kept = Object.entries(headers).filter(([name]) => !dropped(name));
  return Object.fromEntries(kept);
}

/** An error in the format that clients of the OpenAI API know. */
function refuse(response: Response, status: number, message: string): void {
  if (status === 503) response.set('Retry-After', String(RETRY_AFTER_SECONDS));
  response.status(status).json({ error: { type: 'server_error', code: 'no_gateway', message, param: null } });
}
