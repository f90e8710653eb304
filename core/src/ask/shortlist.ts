/** Who may be asked next with one question: from the last match while its leases are valid, then from a new one. */
import { isAble } from '../policy/abilities.ts';
import { onAbort } from '../base/abort.ts';
import type { Breakers } from './patience/breaker.ts';
import type { Clock } from '../base/clock.ts';
import type { MatchQuestion } from '../control/match-question.ts';
import type { DeliveredAnswer } from './delivered-answer.ts';
import { MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import type { Links } from '../peers/links.ts';
import { rank } from '../policy/route.ts';
import type { Leased } from '../wire/candidate.ts';
import type { QueuePosition } from '../wire/control-protocol.ts';

/** Half of the time that the control plane's leases are valid. */
const FRESH_MS = 60_000;

export interface ShortlistNeeds {
  links: Links;
  breakers: Breakers;
  clock: Clock;
  random: () => number;
  /** Asks the control plane; `queued` hears our position in the queue while all are busy. */
  match: AskControl;
}

export type AskControl = (
  question: MatchQuestion,
  signal: AbortSignal,
  queued: (place: QueuePosition) => void,
) => Promise<Leased[]>;

export class Shortlist {
  /** `exclude`: never asked, whether or not others were tried. */
  readonly #question: MatchQuestion;
  readonly #needs: ShortlistNeeds;
  readonly #closing = new AbortController();
  readonly #tried = new Set<PeerId>();
  /** Best first, without those that were tried. */
  #candidates: Leased[] = [];
  #matchedMs = -Infinity;
  /** The tokens that were there before anybody was asked; null: nobody was. */
  #before: number | null = null;
  #standby: Leased | null = null;
  #releaseStandby: (() => void) | null = null;

  constructor(question: MatchQuestion, needs: ShortlistNeeds) {
    this.#question = question;
    this.#needs = needs;
  }

  /**
   * The best provider to begin, or to continue `answer`; none twice unless it was given back. Null: there is none.
   * Rejects when the control plane refuses the request. `queued`: waits in the queue while all are busy, and hears the
   * position; null: does not wait, and no busy provider is asked.
   */
  async next(answer: DeliveredAnswer, queued: ((place: QueuePosition) => void) | null): Promise<Leased | null> {
    this.#before ??= answer.tokens;
    const next = this.#best(answer, isFree) ?? (await this.#another(answer, queued));
    if (next === null) return null;
    this.#tried.add(next.peerId);
    this.#candidates = this.#candidates.filter((other) => other !== next);
    if (next === this.#standby) this.#standby = null;
    return next;
  }

  /** This one was not used after all: it may be asked again, with another lease. */
  giveBack(peer: PeerId): void {
    this.#tried.delete(peer);
  }

  /** Do not count on this one. True: it was the standby that would continue the answer. */
  gone(peer: PeerId): boolean {
    this.#candidates = this.#candidates.filter((other) => other.peerId !== peer);
    if (this.#standby?.peerId !== peer) return false;
    this.#standby = null;
    this.#releaseStandby?.();
    this.#releaseStandby = null;
    return true;
  }

  /** Opens a link to the provider that would continue the answer, and watches it: it is ready when needed. */
  warm(answer: DeliveredAnswer): void {
    if (this.#standby !== null) return;
    const standby = this.#best(answer, isFree) ?? this.#best(answer, anyone);
    if (standby === null) return;
    this.#standby = standby;
    this.#needs.links.open(standby.peerId, this.#closing.signal).then(
      (channel) => {
        this.#releaseStandby?.();
        this.#releaseStandby = this.#closing.signal.aborted ? null : channel.hold(true);
      },
      () => {
        // Unreachable: do not count on it.
        this.#candidates = this.#candidates.filter((other) => other !== standby);
        if (this.#standby === standby) this.#standby = null;
      },
    );
  }

  /** Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#releaseStandby?.();
    this.#releaseStandby = null;
  }

  #best(answer: DeliveredAnswer, wanted: (one: Leased) => boolean): Leased | null {
    const { breakers } = this.#needs;
    const usable = this.#fresh(answer).filter((one) => wanted(one) && !breakers.isOpen(one.peerId));
    return usable.find((one) => one === this.#standby) ?? usable[0] ?? null;
  }

  /** Those whose leases are valid, and that can continue. */
  #fresh(answer: DeliveredAnswer): Leased[] {
    if (this.#needs.clock.now() - this.#matchedMs > FRESH_MS) return [];
    return this.#candidates.filter((one) => continues(one, answer));
  }

  /** Picks from a new match; if there is none, from those that were busy. */
  async #another(answer: DeliveredAnswer, queued: ((place: QueuePosition) => void) | null): Promise<Leased | null> {
    try {
      await this.#match(answer, queued);
    } catch (thrown) {
      const busy = queued === null ? null : this.#best(answer, anyone);
      if (busy === null || this.#closing.signal.aborted) throw thrown;
      return busy;
    }
    if (queued === null) return this.#best(answer, isFree);
    // Those that failed lately come last.
    return this.#best(answer, isFree) ?? this.#best(answer, anyone) ?? this.#fresh(answer)[0] ?? null;
  }

  async #match(answer: DeliveredAnswer, queued: ((place: QueuePosition) => void) | null): Promise<void> {
    const { links, random, clock } = this.#needs;
    const { only, exclude } = this.#question;
    const leased = await this.#ask(answer, queued);
    if (leased === null) return;
    // We ask the server to respect these limits, but do not trust it to.
    const allowed = leased.filter(
      ({ peerId, model }) =>
        only?.includes(peerId) !== false && !exclude.includes(peerId) && isAble(model, this.#question),
    );
    // A control plane that has just started knows nobody yet; those it knew may still be there.
    if (allowed.length === 0) return;
    // Its slot is reserved for us.
    const prefer = allowed[0]?.peerId ?? null;
    this.#candidates = rank(allowed, { exclude: this.#tried, prefer, rttMs: (peer) => links.rttMs(peer), random });
    this.#matchedMs = clock.now();
  }

  /** Null: all are busy, and we are not to wait. */
  async #ask(answer: DeliveredAnswer, queued: ((place: QueuePosition) => void) | null): Promise<Leased[] | null> {
    // Nothing is put aside once more for what has come.
    const come = answer.tokens - (this.#before ?? answer.tokens);
    const maxUnits = Math.max(1, this.#question.maxUnits - come);
    const question = { ...this.#question, maxUnits, exclude: [...this.#question.exclude, ...this.#tried] };
    const leaving = new AbortController();
    const stopClosing = onAbort(this.#closing.signal, () => leaving.abort());
    let wouldWait = false;
    let placed = false;
    const told = (place: QueuePosition) => {
      placed = true;
      if (queued !== null) queued(place);
      else {
        wouldWait = true;
        leaving.abort();
      }
    };
    try {
      for (;;) {
        placed = false;
        try {
          return await this.#needs.match(question, leaving.signal, told);
        } catch (thrown) {
          if (wouldWait) return null;
          // The queue went with the connection: there is a new one when that is back.
          if (!placed || leaving.signal.aborted || !isUnreachable(thrown)) throw thrown;
        }
      }
    } finally {
      stopClosing();
    }
  }
}

function continues({ model }: Leased, answer: DeliveredAnswer): boolean {
  return answer.tokens === 0 || model.continues !== 'none';
}

/** It was free when the control plane named it. */
function isFree({ slots, busySlots, queued }: Leased): boolean {
  return busySlots + queued < slots;
}

function isUnreachable(thrown: unknown): boolean {
  return thrown instanceof MeshError && thrown.code === 'control_unreachable';
}

function anyone(): boolean {
  return true;
}
