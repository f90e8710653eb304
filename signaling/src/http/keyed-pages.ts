/** Pages that depend on what is asked for: those asked for lately are kept, and new ones are built at a limited rate. */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import { SharedPage } from './shared-page.ts';

/** Each takes some tens of kilobytes at most. */
const MAX_PAGES = 64;
/** For everybody together. */
const NEW_PAGES = { perSecond: 100, burst: 400 };

export class KeyedPages {
  readonly #clock: Clock;
  readonly #rate: TokenBucket;
  readonly #pages = new BoundedMap<string, SharedPage>(MAX_PAGES);

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#rate = new TokenBucket(clock, NEW_PAGES);
  }

  /** Throws busy when too many pages are asked for. */
  page(key: string, build: () => Promise<string>): SharedPage {
    const known = this.#pages.get(key);
    if (known === undefined && !this.#rate.take(1)) {
      throw new MeshError('busy', 'Too many are reading about credits. Try again in a moment.');
    }
    const page = known ?? new SharedPage(this.#clock, build);
    this.#pages.set(key, page);
    return page;
  }
}
