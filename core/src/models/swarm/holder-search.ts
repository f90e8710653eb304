/** Looks for peers that have a model, again and again as long as it is being fetched, and connects to them. */
import type { Clock } from '../../base/clock.ts';
import type { PeerId } from '../../base/ids.ts';
import type { Holder, HolderIndex, Wanted } from '../swarm-port.ts';

/** Those who begin at the same time find each other within seconds. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS, GROWTH] = [1_000, 30_000, 1.5];
/** More hardly make it faster. */
const MAX_HOLDERS = 16;
const MAX_DIALS = 8;
/**
 * A handshake costs both ends more than a piece: of many at once, none would be done before all are. So few begin together, and the next
 * when one of them is over, or has taken longer than it usually does.
 */
const [BEGIN_TOGETHER, USUAL_MS] = [3, 500];
const FAILED_MS = 10_000;

export interface HolderSearchOptions {
  wanted: Wanted;
  holders: HolderIndex;
  /** Connected, or not to be. */
  skip: (holder: Holder) => boolean;
  /** Resolves when it is connected and asked; rejects when it cannot be. */
  connect: (holder: Holder, signal: AbortSignal) => Promise<void>;
  /** How many that have some of it are connected. */
  connected: () => number;
  clock: Clock;
  random: () => number;
}

export class HolderSearch {
  readonly #options: HolderSearchOptions;
  readonly #failedMs = new Map<PeerId, number>();
  readonly #dialling = new Set<PeerId>();
  /** Those whom the last search found, the best first. */
  #order: Holder[] = [];
  /** Dials that began just now. */
  #begun = 0;
  #found = false;
  #searched = false;

  constructor(options: HolderSearchOptions) {
    this.#options = options;
  }

  /** Somebody may still come: the first search is not over, or someone was found at some time. */
  get hopeful(): boolean {
    return !this.#searched || this.#found || this.#dialling.size > 0;
  }

  /** Resolves when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(GROWTH * pauseMs, LONGEST_PAUSE_MS)) {
      await this.#search(signal);
      await new Promise<void>((resolve) => {
        const stopTimer = this.#options.clock.after(pauseMs, done);
        function done() {
          stopTimer();
          signal.removeEventListener('abort', done);
          resolve();
        }
        signal.addEventListener('abort', done, { once: true });
        if (signal.aborted) done();
      });
    }
  }

  async #search(signal: AbortSignal): Promise<void> {
    const { holders, wanted, skip, clock, random } = this.#options;
    let found: Holder[];
    try {
      found = await holders.holders(wanted, signal);
    } catch {
      // The control plane is away, or the fetch is over. The next search is soon.
      return;
    } finally {
      this.#searched = true;
    }
    const nowMs = clock.now();
    const fresh = found.filter(
      (holder) => !skip(holder) && nowMs - (this.#failedMs.get(holder.peerId) ?? -Infinity) > FAILED_MS,
    );
    if (found.length > 0) this.#found = true;
    // Those who have all of it first; among them chance decides, so that not everybody asks the same.
    this.#order = fresh
      .map((holder) => ({ holder, rank: Number(!holder.whole) + random() }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ holder }) => holder);
    this.#dialOn(signal);
  }

  #dialOn(signal: AbortSignal): void {
    const { skip, connected, clock } = this.#options;
    while (!signal.aborted && this.#begun < BEGIN_TOGETHER && this.#dialling.size < MAX_DIALS) {
      if (connected() + this.#dialling.size >= MAX_HOLDERS) return;
      const holder = this.#order.shift();
      if (holder === undefined) return;
      // It may have called us meanwhile.
      if (this.#dialling.has(holder.peerId) || skip(holder)) continue;
      this.#begun += 1;
      let over = () => {
        over = () => {};
        stopTimer();
        this.#begun -= 1;
        this.#dialOn(signal);
      };
      const stopTimer = clock.after(USUAL_MS, () => over());
      void this.#dial(holder, signal).then(() => over());
    }
  }

  async #dial(holder: Holder, signal: AbortSignal): Promise<void> {
    this.#dialling.add(holder.peerId);
    try {
      await this.#options.connect(holder, signal);
    } catch {
      // It is away, or cannot be reached from here. There are others, and it may come back.
      this.#failedMs.set(holder.peerId, this.#options.clock.now());
    } finally {
      this.#dialling.delete(holder.peerId);
    }
  }
}
