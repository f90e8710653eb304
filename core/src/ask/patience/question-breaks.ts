/**
 * Whether a question harms the providers that work on it. A form or an adapter reaches deep into a provider's engine:
 * if one crashes over it, the next may as well. So at most two providers have such a question until it makes progress,
 * and it ends with question_breaks when both crashed. A free question goes to as many as it takes.
 */
import { BoundedMap } from '../../base/bounded-map.ts';
import type { Clock } from '../../base/clock.ts';
import { MeshError } from '../../base/errors.ts';
import type { PeerId } from '../../base/ids.ts';

/** The most providers that work on it or crashed over it since it last made progress. */
const MAX_HANDS = 2;
/** This many more tokens are no accident: some poison lets each provider write a word or two. */
const PROGRESS_TOKENS = 32;
/** A kind that crashed two is not asked again for this long, unless an answer of its kind was completed meanwhile. */
const SUSPECT_MS = 120_000;
/** Kinds of questions that are remembered; beyond that, those that crashed longest ago are forgotten. */
const MAX_SUSPECTS = 256;

/** What a question asks of an engine beside its words; null: nothing. */
export function kindOf({ schema, adapter }: { schema?: string; adapter?: string }): string | null {
  return schema === undefined && adapter === undefined ? null : `${adapter ?? ''} ${schema ?? ''}`;
}

/** Kinds of questions that crashed their providers, among all that this computer asks. */
export class SuspectQuestions {
  readonly #clock: Clock;
  /** The time of the last crash by kind; the latest last. */
  readonly #kinds = new BoundedMap<string, number>(MAX_SUSPECTS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(kind: string | null): boolean {
    const brokeMs = kind === null ? undefined : this.#kinds.get(kind);
    return brokeMs !== undefined && this.#clock.now() - brokeMs < SUSPECT_MS;
  }

  broke(kind: string): void {
    this.#kinds.set(kind, this.#clock.now());
  }

  worked(kind: string | null): void {
    if (kind !== null) this.#kinds.delete(kind);
  }
}

export class QuestionBreaks {
  readonly #kind: string | null;
  readonly #suspects: SuspectQuestions;
  /** Crashed since it last made progress. */
  readonly #broken = new Set<PeerId>();
  #atTokens = 0;
  #over = false;

  constructor(kind: string | null, suspects: SuspectQuestions) {
    this.#kind = kind;
    this.#suspects = suspects;
    this.#over = suspects.has(kind);
  }

  /** Nobody else is asked. */
  get over(): boolean {
    return this.#over;
  }

  /** May one more be asked, with this many at work on it? */
  mayAsk(atWork: number): boolean {
    if (this.#kind === null) return true;
    return !this.#over && this.#broken.size + atWork < MAX_HANDS;
  }

  /** `hung`: it stopped responding before its first word, and had not left: the next one would hang as well. */
  broke(peer: PeerId, hung: boolean): void {
    if (this.#kind === null) return;
    this.#broken.add(peer);
    this.#over ||= hung || this.#broken.size >= MAX_HANDS;
    if (this.#over && this.#broken.size >= MAX_HANDS) this.#suspects.broke(this.#kind);
  }

  /** The answer now has this many tokens. */
  got(tokens: number): void {
    if (this.#broken.size === 0) this.#atTokens = tokens;
    else if (tokens - this.#atTokens >= PROGRESS_TOKENS) {
      this.#broken.clear();
      this.#over = false;
    }
  }

  /** Its answer is complete. */
  worked(): void {
    this.#suspects.worked(this.#kind);
  }

  /** The providers that crashed through the question's fault. */
  get blameless(): Iterable<PeerId> {
    return this.#over && this.#broken.size >= MAX_HANDS ? this.#broken : [];
  }

  get error(): MeshError {
    return new MeshError(
      'question_breaks',
      this.#broken.size === 1
        ? 'A computer stopped while it worked on this question, so nobody else is asked. Make its JSON schema simpler, drop its adapter, or ask later.'
        : 'Two computers stopped while they worked on this question, so nobody else is asked. Make its JSON schema simpler, drop its adapter, or ask later.',
    );
  }
}
