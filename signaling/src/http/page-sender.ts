/** Sends pages, and limits what waits for clients that do not read. */
import type { Request, Response } from 'express';
import type { Clock } from '@llmesh/core/base/clock';
import type { Page } from './shared-page.ts';

/** The most unread bytes for all readers together. */
export const MAX_UNREAD_BYTES = 33_554_432;
/** A page is some hundred KiB at most: a client that has not read it by then does not read. */
export const READ_WITHIN_MS = 10_000;
const RETRY_AFTER_SECONDS = 2;

export class PageSender {
  readonly #clock: Clock;
  readonly #refused: (code: 'busy' | 'slow_reader') => void;
  #unreadBytes = 0;

  /** `refused`: for the counters. */
  constructor(clock: Clock, refused: (code: 'busy' | 'slow_reader') => void) {
    this.#clock = clock;
    this.#refused = refused;
  }

  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  send(request: Request, response: Response, { type, body, etag }: Page): void {
    response.set('ETag', etag);
    if (request.headers['if-none-match'] === etag) {
      response.status(304).end();
      return;
    }
    if (this.#unreadBytes + body.byteLength > MAX_UNREAD_BYTES) {
      this.#refused('busy');
      response.removeHeader('ETag');
      response.status(503).set('Retry-After', String(RETRY_AFTER_SECONDS));
      response.json({
        error: { code: 'busy', message: 'Too many pages are waiting for slow readers. Try again in a moment.' },
      });
      return;
    }
    this.#unreadBytes += body.byteLength;
    const stop = this.#clock.after(READ_WITHIN_MS, () => {
      this.#refused('slow_reader');
      response.destroy();
    });
    // Called after `finish` as well, and once.
    response.once('close', () => {
      stop();
      this.#unreadBytes -= body.byteLength;
    });
    response.set('Content-Type', type).set('Content-Length', String(body.byteLength));
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}
