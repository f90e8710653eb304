/** Read-only HTTP: `/healthz`, `/metrics`, and what the page and people's scripts ask under `/api`. */
import type { IncomingMessage } from 'node:http';
import { Router, type RequestHandler, type Response } from 'express';
import type { Clock } from '@llmesh/core/clock';
import { AddressBuckets } from './address-buckets.ts';
import type { Metrics } from './metrics.ts';
import type { Registry } from './registry.ts';

/** `/api/peers` lists no more; `/api/stats` counts all. */
export const MAX_LISTED_PEERS = 1_000;
const RATE = { perSecond: 50, burst: 200 };

export interface ApiOptions {
  clock: Clock;
  registry: Registry;
  metrics: Metrics;
  addressOf: (request: IncomingMessage) => string;
}

export function apiRouter(options: ApiOptions): Router {
  const { clock, registry, metrics } = options;
  const startedMs = clock.now();
  const router = Router();
  router.use(['/healthz', '/metrics', '/api'], getOnly, limiter(options), (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/metrics', (_request, response, next) => {
    metrics.text().then((text) => response.set('Content-Type', metrics.contentType).send(text), next);
  });
  router.get('/api/peers', (_request, response) => {
    response.json({ peers: registry.summaries(MAX_LISTED_PEERS) });
  });
  router.get('/api/models', (_request, response) => {
    response.json({ models: registry.offers().models });
  });
  router.get('/api/stats', (_request, response) => {
    const uptimeSeconds = Math.floor((clock.now() - startedMs) / 1000);
    response.json({ uptimeSeconds, ...registry.totals(), waiting: metrics.waiting, matches: metrics.matchCount });
  });
  router.use('/api', (_request, response) => {
    sendError(response, 404, 'not_found', 'There are /api/peers, /api/models and /api/stats.');
  });
  return router;
}

export function sendError(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ error: { code, message } });
}

const getOnly: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' || request.method === 'HEAD') return next();
  response.set('Allow', 'GET, HEAD');
  sendError(response, 405, 'method_not_allowed', 'This can only be read: use GET.');
};

function limiter({ clock, metrics, addressOf }: ApiOptions): RequestHandler {
  const buckets = new AddressBuckets(clock, RATE);
  return (request, response, next) => {
    if (buckets.take(addressOf(request))) return next();
    metrics.refuse('http', 'rate_limited');
    response.set('Retry-After', '1');
    sendError(response, 429, 'rate_limited', 'Too many requests from this address. Slow down.');
  };
}
