/**
 * Which share of a provider's answers is audited: the usual one, more until some of its answers with a file were checked, and more
 * of those whose answers were found wrong. Of these, short ones more often than long ones: a few words prove as much, and cost less. What is more than usual has a budget and a limit per network of its own: identities
 * are free, and many newcomers must not use up what the others' audits need. Computers that are idle add to it: where little
 * is asked, a cheat would otherwise be checked once in an hour.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Level } from '@llmesh/core/wire/audit-messages';
import { AddressBuckets } from '../../sockets/address-buckets.ts';
import { widerNetworkOf } from '../../sockets/address.ts';
import type { AuditTerms } from './audit-terms.ts';

/** Pairs of provider and file that are remembered; those without answers for longest are forgotten first. */
const MAX_KNOWN = 50_000;
/** Answers of a provider that asked to be tested again, all of which are checked; and how soon it may ask once more. */
export const RETESTED_ANSWERS = 8;
const RETESTED_EVERY_MS = 3_600_000;
/** What may be spent before anything was earned, and at most at once, in units of writing. */
const FLOAT = 16_000;
/** What a slow computer writes in a second. */
const IDLE_UNITS_PER_SECOND = 2;
/** An answer is audited so much more often than another of average length at most, and it is one in so many. */
const MOST_OFTEN = 4;
/** Answers from which the average length is taken, roughly. */
const AVERAGED = 1_000;
/** Where so many answers were not checked, nobody could: as if one had been. */
const UNCHECKED = 16;
/** Extra audits for one network: a class of newcomers, then one a minute. */
const EXTRA = { perSecond: 1 / 60, burst: 32 };

interface Checked {
  readonly level: Level;
  readonly checked: number;
  /** In units of writing. */
  readonly work: number;
}

export class AuditShare {
  readonly #terms: AuditTerms;
  /** Answers of each provider with each file so far. */
  readonly #answers = new BoundedMap<string, number>(MAX_KNOWN);
  readonly #extra: AddressBuckets;
  readonly #clock: Clock;
  /** Answers that are still to be checked, and since when. */
  readonly #retests = new BoundedMap<PeerId, { left: number; sinceMs: number }>(MAX_KNOWN);
  readonly #purses: { usual: number; extra: number };
  /** Of an answer, in units of writing; 0: there was none yet. */
  #averageWork = 0;

  /** `saved`: what each purse has at first, in units of writing. */
  constructor(clock: Clock, terms: AuditTerms, saved = FLOAT) {
    this.#purses = { usual: saved, extra: saved };
    this.#terms = terms;
    this.#clock = clock;
    this.#extra = new AddressBuckets(clock, EXTRA);
  }

  /**
   * The share for one more answer, which is counted. `checked`: answers with this file that were checked before, which
   * outlives a restart.
   */
  next(provider: PeerId, file: string, { level, checked, work }: Checked): number {
    const { share, newcomers, suspects } = this.#terms;
    if (share === 0) return 0;
    const key = `${provider} ${file}`;
    const answers = this.#answers.get(key) ?? 0;
    this.#answers.set(key, answers + 1);
    const retest = this.#retests.get(provider);
    if (retest !== undefined && retest.left > 0) {
      retest.left--;
      return 1;
    }
    const often = this.#often(work);
    if (level !== 'good') return Math.min(1, Math.max(share, suspects * often));
    const known = Math.max(checked, Math.floor(answers / UNCHECKED), newcomers.checks);
    return Math.min(1, Math.max(share, ((newcomers.share * newcomers.checks) / known) * often));
  }

  /** All of its next answers are checked. False: it asked for that within the hour. */
  retest(provider: PeerId): boolean {
    const nowMs = this.#clock.now();
    const before = this.#retests.get(provider);
    if (before !== undefined && nowMs - before.sinceMs < RETESTED_EVERY_MS) return false;
    this.#retests.set(provider, { left: RETESTED_ANSWERS, sinceMs: nowMs });
    return true;
  }

  /** This much was written: a share of it may be spent on audits. */
  earn(work: number): void {
    const { share, budget } = this.#terms;
    this.#averageWork += (work - this.#averageWork) / (this.#averageWork === 0 ? 1 : AVERAGED);
    const half = (work * share * budget) / 2;
    this.#purses.usual = Math.min(FLOAT, this.#purses.usual + half);
    this.#purses.extra = Math.min(FLOAT, this.#purses.extra + half);
  }

  /** Computers that can audit had nothing to do for so many seconds, all of them together. */
  idle(seconds: number): void {
    this.#purses.extra = Math.min(FLOAT, this.#purses.extra + seconds * IDLE_UNITS_PER_SECOND * this.#terms.idle);
  }

  /**
   * Pays for the first auditor of an answer that took `work`, if need be with what comes in later: no answer is too long to be
   * audited. False: there is no budget now.
   */
  spend(why: 'usual' | 'extra', work: number, network: string): boolean {
    if (this.#purses[why] <= 0) return false;
    if (why === 'extra' && !this.#extra.take(widerNetworkOf(network))) return false;
    this.#purses[why] -= work * this.#terms.cost;
    return true;
  }

  /** There was no auditor. */
  refund(why: 'usual' | 'extra', work: number): void {
    this.#purses[why] += work * this.#terms.cost;
  }

  /** Pays for more auditors of an answer, if need be with what comes in later. */
  charge(work: number, auditors: number): void {
    this.#purses.extra -= work * this.#terms.cost * auditors;
  }

  /** How often an answer that took `work` is audited, to one of average length. */
  #often(work: number): number {
    return Math.min(MOST_OFTEN, Math.sqrt(this.#averageWork / work));
  }
}
