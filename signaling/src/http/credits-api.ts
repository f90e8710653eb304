/**
 * Read-only pages about credits: /api/credits, /api/account, /api/postings, /api/receipt, /api/leaderboard, /api/proposals, as
 * `wire/credit-pages.ts` describes them. Everything on them is in the public log, too.
 */
import { Router, type Request, type Response } from 'express';
import type { Clock } from '@llmesh/core/base/clock';
import { asMeshError } from '@llmesh/core/base/errors';
import { isPeerId } from '@llmesh/core/base/ids';
import { LEASE_NONCE_BYTES } from '@llmesh/core/receipts/lease';
import type { LedgerPages } from '../ledger/pages/ledger-pages.ts';
import { KeyedPages } from './keyed-pages.ts';
import type { Page } from './shared-page.ts';
import { SharedPage } from './shared-page.ts';

/** Names are read for it one by one. */
const LEADERBOARD_MS = 10_000;
const LEASE = new RegExp(`^[a-z2-7]{${Math.ceil((LEASE_NONCE_BYTES * 8) / 5)}}$`);
const PATHS = ['/credits', '/account', '/postings', '/receipt', '/leaderboard', '/proposals'];

export interface CreditsApiNeeds {
  clock: Clock;
  /** Null: this mesh has no credits. */
  pages: LedgerPages | null;
  send: (request: Request, response: Response, page: Page) => void;
  refuse: (response: Response, status: number, code: string, message: string) => void;
}

/** To be mounted under `/api`, behind its limits. */
export function creditsRouter({ clock, pages, send, refuse }: CreditsApiNeeds): Router {
  const router = Router();
  if (pages === null) {
    router.get(PATHS, (_request, response) => refuse(response, 404, 'unsupported', NO_CREDITS));
    return router;
  }
  const keyed = new KeyedPages(clock);
  const shared = (path: string, page: Pick<SharedPage, 'read'>) => {
    router.get(path, (request, response, next) => {
      page.read().then((read) => send(request, response, read), next);
    });
  };
  /** Never rejects. */
  const asked = async (response: Response, run: () => Promise<void>, next: (error: unknown) => void) => {
    try {
      await run();
    } catch (thrown) {
      const { code, message } = asMeshError(thrown, 'engine_failed', '');
      if (code !== 'busy') return next(thrown);
      response.set('Retry-After', '1');
      refuse(response, 503, code, message);
    }
  };
  shared('/credits', new SharedPage(clock, async () => JSON.stringify(await pages.credits())));
  shared('/proposals', new SharedPage(clock, async () => JSON.stringify(await pages.proposals())));
  shared(
    '/leaderboard',
    new SharedPage(
      clock,
      rested(clock, async () => JSON.stringify(await pages.leaderboard())),
    ),
  );
  router.get('/account', (request, response, next) => {
    const { peer } = request.query;
    if (!isPeerId(peer)) return refuse(response, 400, 'bad_request', NO_PEER);
    const build = async () => JSON.stringify(await pages.account(peer));
    void asked(response, async () => send(request, response, await keyed.page(`a ${peer}`, build).read()), next);
  });
  router.get('/postings', (request, response, next) => {
    const { peer, before = String(Number.MAX_SAFE_INTEGER) } = request.query;
    if (!isPeerId(peer)) return refuse(response, 400, 'bad_request', NO_PEER);
    const index = typeof before === 'string' && /^\d{1,16}$/.test(before) ? Number(before) : -1;
    if (!Number.isSafeInteger(index) || index < 0)
      return refuse(response, 400, 'bad_request', 'Give "before" the value of "next" from a page.');
    const build = async () => JSON.stringify(await pages.postings(peer, index));
    void asked(
      response,
      async () => send(request, response, await keyed.page(`p ${index} ${peer}`, build).read()),
      next,
    );
  });
  router.get('/receipt', (request, response, next) => {
    const { lease } = request.query;
    if (typeof lease !== 'string' || !LEASE.test(lease)) return refuse(response, 400, 'bad_request', NO_LEASE);
    const build = async () => JSON.stringify(await pages.receipt(lease));
    void asked(
      response,
      async () => {
        const page = await keyed.page(`r ${lease}`, build).read();
        if (page.body.toString() === 'null') refuse(response, 404, 'not_found', UNKNOWN_LEASE);
        else send(request, response, page);
      },
      next,
    );
  });
  return router;
}

/** Builds it anew only now and then. */
function rested(clock: Clock, build: () => Promise<string>): () => Promise<string> {
  let last: Promise<string> | null = null;
  let builtMs = -Infinity;
  return () => {
    if (last !== null && clock.now() - builtMs < LEADERBOARD_MS) return last;
    builtMs = clock.now();
    const next = build();
    last = next;
    // What failed is tried again at once.
    next.catch(() => {
      if (last === next) last = null;
    });
    return next;
  };
}

const NO_CREDITS = 'This mesh has no credits: everything is free here.';
const NO_PEER = 'Give one "peer": its id has 32 letters and digits.';
const NO_LEASE = 'Give one "lease": the nonce of a lease, in base32.';
const UNKNOWN_LEASE = 'The ledger knows of no such delivery. It was free, or is too old, or was not filed yet.';
