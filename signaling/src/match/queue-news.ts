/** Tells those who wait where they stand: at once, when they move, and every few seconds; or that waiting is hopeless. */
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { OfferKey } from '@llmesh/core/policy/offer-key';
import { QUEUED_EVERY_MS, type QueuePosition } from '@llmesh/core/wire/control-protocol';
import type { Candidate } from '@llmesh/core/wire/candidate';
import type { MatchQuestion, Matchmaker } from './matchmaker.ts';
import type { QueueMembers, Waiter } from './queue-members.ts';

/** A provider that is always full would keep them for ever. */
export const MAX_NAMED_WAIT_MS = 600_000;
/** How often `tick` is to be called while anyone waits. */
export const TICK_MS = 1_000;
/** Those further back hear theirs only every QUEUED_EVERY_MS: telling a thousand takes longer than serving one. */
const FRONT = 50;

/** How somebody who asked hears the answer. */
export interface Told {
  /** Best first; a slot of the first is kept. Empty: nobody offers the model to this requester. */
  matched: (candidates: Candidate[]) => void;
  queued: (place: QueuePosition) => void;
  /** It waited, and was dropped. */
  refused: (error: MeshError) => void;
}

/** Somebody who waits, and what it was told last. */
export interface Listener extends Waiter, Omit<MatchQuestion, keyof Waiter>, Told {
  told: { position: number; atMs: number };
}

interface Placed<T> {
  one: T;
  position: number;
}

export class QueueNews<T extends Listener> {
  readonly #clock: Clock;
  readonly #matchmaker: Matchmaker;
  readonly #places: QueueMembers<T>;

  constructor(clock: Clock, matchmaker: Matchmaker, places: QueueMembers<T>) {
    this.#clock = clock;
    this.#matchmaker = matchmaker;
    this.#places = places;
  }

  /** Tells all that are due; who waits in vain leaves the queue. */
  tick(): void {
    for (const [offer, line] of this.#places.lines()) {
      line.pace.promised = this.#matchmaker.answersPerSecond(offer);
      const due: Placed<T>[] = [];
      let position = 0;
      for (const one of line.waiting.inTurn()) this.#ifDue({ one, position: ++position }, due);
      this.#tellAll(offer, due);
    }
    const due: Placed<T>[] = [];
    for (const placed of this.#places.named.inTurn()) this.#ifDue(placed, due);
    for (const placed of due) {
      if (this.#clock.now() - placed.one.sinceMs < MAX_NAMED_WAIT_MS) this.#tellAll(placed.one.offer, [placed]);
      else {
        this.#places.remove(placed.one);
        placed.one.refused(new MeshError('busy', NEVER_FREE));
      }
    }
  }

  tell(one: T, position: number): void {
    one.told = { position, atMs: this.#clock.now() };
    let estimateMs: number | null;
    if (one.only === null) estimateMs = this.#places.line(one.offer)?.pace.estimateMs(position) ?? null;
    else {
      const perSecond = this.#matchmaker.answersPerSecondOf(one, one.only);
      estimateMs = perSecond === 0 ? null : Math.round((position * 1000) / perSecond);
    }
    const behindPayers = this.#places.isBehindPayers(one);
    one.queued({ position, estimateMs, ...(behindPayers && { behindPayers }) });
  }

  /** Those in front are updated with every tick, the others every few ticks. */
  #ifDue(placed: Placed<T>, due: Placed<T>[]): void {
    const sinceMs = this.#clock.now() - placed.one.told.atMs;
    if (placed.position <= FRONT || sinceMs >= QUEUED_EVERY_MS) due.push(placed);
  }

  #tellAll(offer: OfferKey, due: readonly Placed<T>[]): void {
    const all = due.map(({ one }) => one);
    const hopeless = new Set(this.#matchmaker.impossible(offer, all));
    for (const one of hopeless) {
      this.#places.remove(one);
      one.matched([]);
    }
    for (const { one, position } of due) {
      const moved = position !== one.told.position;
      const sinceMs = this.#clock.now() - one.told.atMs;
      if (hopeless.has(one) || !(sinceMs >= QUEUED_EVERY_MS || (moved && sinceMs >= TICK_MS / 2))) continue;
      this.tell(one, position);
    }
  }
}

const NEVER_FREE =
  'None of the volunteers you chose was free for ten minutes. Ask again, or let other volunteers answer too.';
