/** Who keeps models for others: their room, what they were asked to keep, what they will not, and how long they may be away. */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import type { ContentId, PeerId } from '@llmesh/core/base/ids';
import type { Keeps } from '@llmesh/core/wire/candidate';
import { apartOf, type HoldingPeer, type Holdings } from '../models/holdings.ts';

/** Keepers that are remembered, those that are away included. */
const MAX_KEEPERS = 20_000;
/** Who is away for no longer has its place when it is back: computers restart. */
const AWAY_MS = 900_000;
/** Whoever has not begun with it by then will not, or cannot. */
const BEGIN_MS = 1_800_000;
/** Begun, it is whole by then, or somebody else is asked. */
const WHOLE_MS = 86_400_000;
/** How long nobody is asked again for what they refused or did not do. */
const REFUSED_MS = 86_400_000;
/** The same for what it had and does not lend now: its owner may need the computer for some hours. */
const LAPSED_MS = 3_600_000;
/** What a keeper refused that is remembered. */
const MAX_REFUSED = 64;
/** Who was found not to have what it keeps keeps nothing for so long. */
const EXPELLED_MS = 7 * 86_400_000;
const MAX_EXPELLED = 50_000;

interface Assignment {
  sinceMs: number;
  /** It has been seen to have all of it. */
  whole: boolean;
  /** Since when it says that it has not all of it; null: it has. */
  lackedMs: number | null;
  /** Hours in which it could not be shown, less those in which it was. */
  missed: number;
}

export interface Keeper {
  readonly peer: PeerId;
  /** Null: it is away. */
  holder: HoldingPeer | null;
  network: string;
  roomBytes: number;
  readonly keeps: Map<ContentId, Assignment>;
  /** Until when. */
  readonly refused: BoundedMap<ContentId, number>;
  awayMs: number;
  /** Counts from the first keeper that there was. */
  readonly place: number;
}

export class Keepers {
  readonly #clock: Clock;
  readonly #holdings: Holdings;
  readonly #keepers = new Map<PeerId, Keeper>();
  readonly #expelled = new BoundedMap<PeerId, number>(MAX_EXPELLED);
  #places = 0;

  constructor(clock: Clock, holdings: Holdings) {
    this.#clock = clock;
    this.#holdings = holdings;
  }

  get all(): Iterable<Keeper> {
    return this.#keepers.values();
  }

  get size(): number {
    return this.#keepers.size;
  }

  get(peer: PeerId): Keeper | null {
    return this.#keepers.get(peer) ?? null;
  }

  /** What it said with its models. True: it is back, and has to be told what it keeps. Undefined: it keeps nothing for others. */
  told(holder: HoldingPeer, keeps: Keeps | undefined): boolean {
    const { peer } = holder;
    const known = this.#keepers.get(peer);
    const nowMs = this.#clock.now();
    if (keeps === undefined || (this.#expelled.get(peer) ?? 0) > nowMs) {
      this.#keepers.delete(peer);
      return false;
    }
    if (known === undefined && this.#keepers.size >= MAX_KEEPERS) return false;
    const keeper: Keeper = known ?? {
      ...{ peer, holder, network: '', roomBytes: 0, awayMs: 0, place: (this.#places += 1) },
      ...{ keeps: new Map(), refused: new BoundedMap(MAX_REFUSED) },
    };
    const back = keeper.holder !== holder && keeper.keeps.size > 0;
    Object.assign(keeper, { holder, network: apartOf(holder.from), roomBytes: keeps.roomBytes });
    for (const content of keeps.refused) this.#refuse(keeper, content);
    this.#keepers.set(peer, keeper);
    return back;
  }

  /** This connection of it is over. */
  left(holder: HoldingPeer): void {
    const keeper = this.#keepers.get(holder.peer);
    if (keeper?.holder !== holder) return;
    keeper.holder = null;
    keeper.awayMs = this.#clock.now();
  }

  /** Takes back what is overdue, and forgets who is gone. Returns the keepers of which something was taken. */
  tidy(): Keeper[] {
    const nowMs = this.#clock.now();
    const changed: Keeper[] = [];
    for (const keeper of this.#keepers.values()) {
      const { holder, keeps, refused } = keeper;
      if (holder === null) {
        if (nowMs - keeper.awayMs > AWAY_MS) this.#keepers.delete(keeper.peer);
        continue;
      }
      for (const [content, untilMs] of refused) if (untilMs <= nowMs) refused.delete(content);
      const whole = this.#holdings.wholeOf(holder);
      const before = keeps.size;
      for (const [content, one] of keeps) {
        if (whole.has(content)) {
          Object.assign(one, { whole: true, lackedMs: null });
          continue;
        }
        one.lackedMs ??= nowMs;
        const patienceMs = this.#holdings.has(holder, content) ? WHOLE_MS : BEGIN_MS;
        // Whoever starts again says that it is here before it says what it has.
        const sinceMs = one.whole ? one.lackedMs : one.sinceMs;
        if (nowMs - sinceMs > patienceMs) this.#refuse(keeper, content, one.whole ? LAPSED_MS : REFUSED_MS);
      }
      if (keeps.size < before) changed.push(keeper);
    }
    return changed;
  }

  /** It could not be shown. True: so often that somebody else is asked. */
  missed(keeper: Keeper, content: ContentId, most: number): boolean {
    const one = keeper.keeps.get(content);
    if (one === undefined) return false;
    one.missed += 1;
    if (one.missed < most) return false;
    this.#refuse(keeper, content);
    return true;
  }

  shown(keeper: Keeper, content: ContentId): void {
    const one = keeper.keeps.get(content);
    // Whoever is shown by friends now and then, and by nobody else, does not begin anew each time.
    if (one !== undefined) one.missed = Math.max(0, one.missed - 1);
  }

  /** It does not have what it said it has: its place is lost, and it gets none for a while. */
  expel(peer: PeerId): void {
    this.#expelled.set(peer, this.#clock.now() + EXPELLED_MS);
    this.#keepers.delete(peer);
  }

  /** Whether what it says it has of this model is to be relied on. */
  countsFor(peer: PeerId, content: ContentId): boolean {
    if ((this.#expelled.get(peer) ?? 0) > this.#clock.now()) return false;
    return this.#keepers.get(peer)?.refused.has(content) !== true;
  }

  #refuse(keeper: Keeper, content: ContentId, ms = REFUSED_MS): void {
    keeper.keeps.delete(content);
    keeper.refused.set(content, this.#clock.now() + ms);
  }
}
