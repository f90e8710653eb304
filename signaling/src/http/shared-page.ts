/** A page that is built once for many requests at about the same time. */
import { createHash } from 'node:crypto';
import type { Clock } from '@llmesh/core/base/clock';
import { TokenBucket } from '@llmesh/core/base/token-bucket';

/** The limit for building it, however often it is requested; meanwhile requests get the previous one. */
const RATE = { perSecond: 10, burst: 20 };
/** A large page is built less often, so that slow readers share its memory. */
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

  /** Rejects with the error of building it. */
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
