/** A page that is built once for many who ask at about the same time. */
import { createHash } from 'node:crypto';
import type { Clock } from '@llmesh/core/base/clock';
import { TokenBucket } from '@llmesh/core/base/token-bucket';

/** However often it is asked for, it is built no more often than this; those who ask meanwhile get the one before. */
const RATE = { perSecond: 10, burst: 20 };
/** A large one is built once in a while, so that those who read it slowly share its memory. */
const LARGE_BYTES = 65_536;
const LARGE_MS = 1_000;

export interface Page {
  type: string;
  body: Buffer;
  /** The HTTP entity tag of the body. */
  etag: string;
}

export class SharedPage {
  readonly #clock: Clock;
  readonly #type: string;
  readonly #build: () => string | Promise<string>;
  readonly #rate: TokenBucket;
  #last: Promise<Page> | null = null;
  #underWay = false;
  #notBeforeMs = -Infinity;

  constructor(clock: Clock, build: () => string | Promise<string>, type = 'application/json; charset=utf-8') {
    this.#clock = clock;
    this.#build = build;
    this.#type = type;
    this.#rate = new TokenBucket(clock, RATE);
  }

  /** Rejects with what building says. */
  read(): Promise<Page> {
    const rests = this.#underWay || this.#clock.now() < this.#notBeforeMs;
    if (this.#last !== null && (rests || !this.#rate.take(1))) return this.#last;
    this.#underWay = true;
    return (this.#last = this.#make());
  }

  async #make(): Promise<Page> {
    try {
      const body = Buffer.from(await this.#build());
      if (body.byteLength > LARGE_BYTES) this.#notBeforeMs = this.#clock.now() + LARGE_MS;
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      return { type: this.#type, body, etag };
    } finally {
      this.#underWay = false;
    }
  }
}
