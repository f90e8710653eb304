/**
 * The transparency log as C2SP tlog-tiles has it, below `/log`: a checkpoint, tiles, and the policy that tells a stranger
 * whom to believe; and below `/api` the proof that one event is in it.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Router, type Request, type Response } from 'express';
import type { Clock } from '@llmesh/core/base/clock';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import { TLOG_PROOF_ENDING, writeTlogProof } from '@llmesh/log/read/tlog-proof';
import { readTilePath } from '@llmesh/log/tree/tile';
import { AddressBuckets } from '../sockets/address-buckets.ts';
import type { LogKeeper } from '../log/log-keeper.ts';
import type { Metrics } from '../metrics.ts';
import { sendError } from './api.ts';
import { PageSender } from './page-sender.ts';

const TEXT = 'text/plain; charset=utf-8';
const BYTES = 'application/octet-stream';
const FOR_EVER = 'public, max-age=31536000, immutable';
/** A bundle has some hundred KB, and is read from the disk: strangers share these reads. */
const READS = { perSecond: 500, burst: 2_000 };
/** Whoever recounts a long log reads it as fast as this. */
const READS_OF_ONE = { perSecond: 200, burst: 1_000 };
const INDEX = /^(?:0|[1-9]\d{0,15})$/;

export interface LogPagesOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly keeper: LogKeeper;
  readonly addressOf: (request: IncomingMessage) => string;
}

export function logRouter({ clock, metrics, keeper, addressOf }: LogPagesOptions): Router {
  const sender = new PageSender(clock, (code) => metrics.refuse('http', code));
  const reads = new TokenBucket(clock, READS);
  const readsOfOne = new AddressBuckets(clock, READS_OF_ONE);
  const router = Router();
  const send = (request: Request, response: Response, type: string, body: Uint8Array) => {
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    sender.send(request, response, { type, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength), etag });
  };
  const mayRead = (request: Request, response: Response): boolean => {
    if (readsOfOne.take(addressOf(request)) && reads.take(1)) return true;
    metrics.refuse('http', 'busy');
    response.set('Retry-After', '1');
    sendError(response, 503, 'busy', 'Too many are reading the log. Try again in a moment.');
    return false;
  };
  router.use('/log', (_request, response, next) => {
    // Everything here is public, and asks for no cookie: a page elsewhere may recount it as well.
    response.set({
      'Access-Control-Allow-Origin': '*',
      'Cross-Origin-Resource-Policy': 'cross-origin',
      'Cache-Control': 'no-cache',
    });
    next();
  });
  router.get('/log/checkpoint', (request, response) => {
    const { final } = keeper;
    if (final === null) return sendError(response, 404, 'not_found', NOTHING_FINAL);
    send(request, response, TEXT, Buffer.from(final.note));
  });
  router.get('/log/policy', (request, response) => send(request, response, TEXT, Buffer.from(keeper.policy)));
  router.get(/^\/log\/tile\/.+/, (request, response, next) => {
    if (!mayRead(request, response)) return;
    const path = request.path.slice('/log/'.length);
    (readTilePath(path) === null ? Promise.resolve(null) : keeper.read(path)).then((bytes) => {
      if (bytes === null) return sendError(response, 404, 'not_found', NO_TILE);
      response.set('Cache-Control', FOR_EVER);
      send(request, response, BYTES, bytes);
    }, next);
  });
  router.use('/log', (_request, response) => {
    sendError(
      response,
      404,
      'not_found',
      'The log has /log/checkpoint, /log/policy, /log/tile/<L>/<N> and /log/tile/entries/<N>.',
    );
  });
  router.get('/api/proof', (request, response, next) => {
    const { index } = request.query;
    if (typeof index !== 'string' || !INDEX.test(index))
      return sendError(response, 400, 'bad_request', 'Give "index": the number of an event, from 0.');
    if (!mayRead(request, response)) return;
    keeper.inclusion(Number(index)).then((found) => {
      if (found === null) return sendError(response, 404, 'not_found', NOT_FINAL);
      response.set('Content-Disposition', `attachment; filename="event-${index}${TLOG_PROOF_ENDING}"`);
      send(request, response, TEXT, Buffer.from(writeTlogProof({ extra: null, index: Number(index), ...found })));
    }, next);
  });
  return router;
}

const NOTHING_FINAL =
  'No checkpoint of this log is final yet: nothing has happened here, or too few witnesses have signed.';
const NO_TILE = 'The log has no such tile: no checkpoint has got that far.';
const NOT_FINAL = 'No final checkpoint has this event. One does within seconds, if it happened and the witnesses sign.';
