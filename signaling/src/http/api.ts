/** Read-only HTTP: `/healthz`, `/metrics`, and what the page and people's scripts request under `/api`. */
import type { IncomingMessage } from 'node:http';
import { Router, type RequestHandler, type Response } from 'express';
import type { Clock } from '@llmesh/core/base/clock';
import { toBase32 } from '@llmesh/core/base/base32';
import type { NetworkPage } from '@llmesh/core/wire/api-pages';
import { MeshError } from '@llmesh/core/base/errors';
import { AddressBuckets } from '../sockets/address-buckets.ts';
import type { AuditOffice } from '../audit/audit-office.ts';
import type { Offers } from '@llmesh/core/wire/control-protocol';
import type { LedgerPages } from '../ledger/pages/ledger-pages.ts';
import type { Metrics } from '../metrics.ts';
import { offersThatFit } from '../registry/offer-board.ts';
import { creditsRouter } from './credits-api.ts';
import { PageSender } from './page-sender.ts';
import { MAX_LISTED_PEERS, PeerList } from './peer-list.ts';
import type { PriceList } from '../price/price-list.ts';
import { pricePage } from './price-page.ts';
import type { Registry } from '../registry/registry.ts';
import { SharedPage } from './shared-page.ts';

const RATE = { perSecond: 50, burst: 200 };

export interface ApiOptions {
  clock: Clock;
  registry: Registry;
  metrics: Metrics;
  audits: Pick<AuditOffice, 'page' | 'tally' | 'lengths'>;
  /** About credits; null: this mesh has none. */
  credits: LedgerPages | null;
  addressOf: (request: IncomingMessage) => string;
  /** Null: this mesh has no genesis. */
  genesis: Uint8Array | null;
  /** What the mesh offers, and for how much. */
  offers: () => Offers;
  /** Null: this mesh has no credits. */
  prices: PriceList | null;
}

export function apiRouter(options: ApiOptions): Router {
  const { clock, registry, metrics, audits, offers, prices } = options;
  const startedMs = clock.now();
  const sender = new PageSender(clock, (code) => metrics.refuse('http', code));
  const peers = new PeerList(clock, registry);
  const stats = () => {
    const uptimeSeconds = Math.floor((clock.now() - startedMs) / 1000);
    const { checkables: checkable, found } = audits.tally;
    const checked = found.agrees + found.deviates;
    const { waiting, matchCount: matches } = metrics;
    return { uptimeSeconds, ...registry.totals(), waiting, matches, checkable, checked };
  };
  const router = Router();
  router.use(['/healthz', '/metrics', '/api'], getOnly, limiter(options), (_request, response, next) => {
    response.set('Cache-Control', 'no-store');
    next();
  });
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  const shared = (path: string, page: SharedPage) => {
    router.get(path, (request, response, next) => {
      page.read().then((read) => sender.send(request, response, read), next);
    });
  };
  shared('/metrics', new SharedPage(clock, () => metrics.text(), metrics.contentType));
  shared('/api/models', new SharedPage(clock, () => JSON.stringify({ models: offersThatFit(offers()).models })));
  const genesis = options.genesis === null ? null : toBase32(options.genesis);
  shared('/api/network', new SharedPage(clock, () => JSON.stringify({ genesis } satisfies NetworkPage)));
  shared('/api/stats', new SharedPage(clock, () => JSON.stringify(stats())));
  shared('/api/audits', new SharedPage(clock, () => JSON.stringify(audits.page())));
  shared('/api/lengths', new SharedPage(clock, () => JSON.stringify({ lengths: audits.lengths.told() })));
  router.use(pricePage({ clock, offers: () => offers().models, prices, sendError }));
  router.get('/api/peers', (request, response, next) => {
    const { after = '', limit = String(MAX_LISTED_PEERS) } = request.query;
    const most = Number(limit);
    if (typeof after !== 'string' || !Number.isInteger(most) || most < 1) {
      return sendError(response, 400, 'bad_request', 'Give one "after", and "limit" as a number from 1.');
    }
    try {
      peers
        .page(after, most)
        .read()
        .then((page) => sender.send(request, response, page), next);
    } catch (thrown) {
      if (!(thrown instanceof MeshError)) throw thrown;
      if (thrown.code !== 'busy') return sendError(response, 400, 'bad_request', thrown.message);
      metrics.refuse('http', 'busy');
      response.set('Retry-After', '1');
      sendError(response, 503, 'busy', thrown.message);
    }
  });
  const send = (...args: Parameters<PageSender['send']>) => sender.send(...args);
  router.use('/api', creditsRouter({ clock, pages: options.credits, send, refuse: sendError }));
  router.use('/api', (_request, response) => {
    sendError(
      response,
      404,
      'not_found',
      'This API has /api/peers, /api/models, /api/price, /api/network, /api/stats, /api/audits and /api/lengths; about credits /api/credits, /api/account, /api/postings, /api/receipt, /api/leaderboard and /api/proposals.',
    );
  });
  return router;
}

export function sendError(response: Response, status: number, code: string, message: string): void {
  response.status(status).json({ error: { code, message } });
}

const getOnly: RequestHandler = (request, response, next) => {
  if (request.method === 'GET' || request.method === 'HEAD') return next();
  response.set('Allow', 'GET, HEAD');
  sendError(response, 405, 'method_not_allowed', 'This is read-only: use GET.');
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
