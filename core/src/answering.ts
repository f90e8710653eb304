/**
 * One question on its way to its whole answer. Providers fail, stall and leave; the answer goes on with the next one,
 * after exactly what has come. When a provider is late or falls silent a second one is asked beside it, and whoever
 * brings the next words leads.
 */
import { Attempt, type AttemptEvent, type AttemptNeeds, type Whole } from './attempt.ts';
import type { Breakers } from './breaker.ts';
import type { Leased } from './control-protocol.ts';
import { DeliveredAnswer } from './delivered-answer.ts';
import { asMeshError, MeshError, type ErrorCode } from './errors.ts';
import type { FirstWords } from './first-words.ts';
import type { HedgeBudget } from './hedge-budget.ts';
import type { PeerId } from './ids.ts';
import { AsyncQueue } from './queue.ts';
import type { AnswerEvent, AskRequest, Seam } from './requester.ts';
import type { Shortlist } from './shortlist.ts';
import { StallWatch } from './stall-watch.ts';

/** Providers that fail in a row, without a word between them, before the question is given back to its asker. */
const MAX_FAILURES = 4;
/** Asked beside a provider that is late or silent, in one answer. */
const MAX_CHALLENGES = 4;
/** Another provider may do better; any other error is about the request itself. */
const WORTH_ANOTHER: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'busy',
  'connect_failed',
  'provider_lost',
  'provider_stopped',
  'engine_failed',
  'device_lost',
  'out_of_memory',
  'unknown_model',
  'bad_message',
  'message_too_large',
  'version_mismatch',
  'rate_limited',
  'seal_failed',
  'seal_broken',
  'wrong_peer',
  'lease_refused',
  'receipt_refused',
]);
/** Of these, such as say nothing against the provider. */
const NO_FAULT: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['busy', 'provider_stopped', 'unknown_model']);

export interface AnsweringNeeds extends AttemptNeeds {
  shortlist: Shortlist;
  breakers: Breakers;
  words: FirstWords;
  hedges: HedgeBudget;
}

export class Answering {
  /** Ends with the answer, or with the `MeshError` that ended it. */
  readonly events = new AsyncQueue<AnswerEvent>();
  readonly #request: AskRequest;
  readonly #needs: AnsweringNeeds;
  readonly #answer = new DeliveredAnswer();
  readonly #askedMs: number;
  readonly #attempts = new Set<Attempt>();
  readonly #seams: Seam[] = [];
  /** Brought the last words; null before the first. */
  #leader: Attempt | null = null;
  #announced: PeerId | null = null;
  #lastError: MeshError | null = null;
  #watch: StallWatch | null = null;
  #stopLate: (() => void) | null = null;
  #choosing = false;
  #failures = 0;
  #challenges = 0;
  #firstMs: number | null = null;
  #firstTokens = 0;
  #lastMs = 0;
  #ended = false;

  constructor(request: AskRequest, needs: AnsweringNeeds) {
    this.#request = request;
    this.#needs = needs;
    this.#askedMs = needs.clock.now();
    void this.#askNext();
  }

  /** Whoever still works on it stops. With an error: that is how it ended. Idempotent. */
  end(error: MeshError | null = null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopLate?.();
    this.#watch?.stop();
    this.#needs.shortlist.close();
    for (const attempt of this.#attempts) this.#dismiss(attempt);
    this.events.end(error);
  }

  /** Never rejects. */
  async #askNext(): Promise<void> {
    if (this.#choosing || this.#ended) return;
    this.#choosing = true;
    let asked = false;
    try {
      const candidate = await this.#needs.shortlist.next(this.#answer);
      if (this.#ended) return;
      asked = candidate !== null;
      if (candidate !== null) this.#ask(candidate);
      else if (this.#attempts.size === 0) this.end(this.#lastError ?? nobody(this.#request));
    } catch (thrown) {
      // Who is at work may still bring it to an end.
      if (this.#attempts.size > 0) return;
      const error = asMeshError(thrown, 'no_provider', 'Nobody could be asked. Try again.');
      // What broke the answer off matters more than why nobody could go on with it.
      this.end(this.#answer.tokens > 0 ? (this.#lastError ?? error) : error);
    } finally {
      this.#choosing = false;
    }
    const more = this.#leader === null && this.#attempts.size < (this.#request.copies ?? 1);
    if (asked && more) void this.#askNext();
  }

  #ask(candidate: Leased): void {
    const { breakers, clock } = this.#needs;
    const prefix = this.#answer.prefixFor(candidate.model);
    const attempt = new Attempt(candidate, this.#request, prefix, this.#needs, (one, event) => this.#take(one, event));
    breakers.trying(candidate.peerId);
    this.#attempts.add(attempt);
    if (this.#attempts.size > 1) return;
    // Words of the one before it are not coming any more: this one's are waited for.
    this.#watch?.stop();
    this.#watch = new StallWatch(clock, {
      suspected: () => this.#challenge(),
      stalled: () => this.#stalled(),
    });
    if (this.#leader === null) this.#announce(candidate);
  }

  #take(attempt: Attempt, event: AttemptEvent): void {
    switch (event.type) {
      case 'accepted':
        if (this.#answer.tokens > 0) return;
        this.events.push({ type: 'accepted', ahead: event.ahead });
        if (event.ahead === 0) this.#expectFirstWords(attempt);
        break;
      case 'chunk':
        this.#read(attempt, event);
        break;
      case 'whole':
        this.#finish(attempt, event.whole);
        break;
      case 'failed':
        this.#attempts.delete(attempt);
        if (NO_FAULT.has(event.error.code)) this.#needs.breakers.undecided(attempt.candidate.peerId);
        else this.#needs.breakers.failed(attempt.candidate.peerId);
        this.#failed(event.error);
        break;
      default:
        event satisfies never;
    }
  }

  /** Late against its own history: somebody else is asked as well, where that does not become a habit. */
  #expectFirstWords(attempt: Attempt): void {
    const { clock, words, hedges } = this.#needs;
    this.#stopLate?.();
    this.#stopLate = clock.after(words.lateAfterMs(attempt.candidate.peerId), () => {
      if (this.#answer.tokens === 0 && hedges.take()) this.#challenge();
    });
  }

  #read(attempt: Attempt, { chunk }: Extract<AttemptEvent, { type: 'chunk' }>): void {
    // Another was here before: these words are known.
    if (attempt.offset + chunk.index !== this.#answer.tokens) return;
    const { clock, words, breakers } = this.#needs;
    const nowMs = clock.now();
    if (attempt !== this.#leader) this.#lead(attempt, nowMs);
    if (this.#firstMs === null) {
      this.#firstMs = nowMs;
      this.#firstTokens = chunk.tokens;
      this.#stopLate?.();
      words.heard(attempt.candidate.peerId, nowMs - this.#askedMs);
    }
    if (chunk.index === 0) {
      breakers.worked(attempt.candidate.peerId);
      this.#failures = 0;
    }
    this.#answer.add(chunk, attempt.candidate);
    this.#watch?.heard();
    this.events.push({ type: 'piece', text: chunk.text, tokens: chunk.tokens });
    if (chunk.index === 0) this.#needs.shortlist.warm(this.#answer);
    this.#lastMs = nowMs;
  }

  /** From now on these are the words that count. */
  #lead(attempt: Attempt, nowMs: number): void {
    const { candidate } = attempt;
    for (const other of this.#attempts) if (other !== attempt) this.#dismiss(other);
    if (this.#leader !== null) {
      const sameFile = this.#answer.isFile(candidate.model);
      const seam = {
        provider: candidate.peerId,
        atToken: this.#answer.tokens,
        pauseMs: nowMs - this.#lastMs,
        sameFile,
      };
      this.#seams.push(seam);
      this.events.push({ type: 'resumed', candidate, seam });
    } else this.#announce(candidate);
    this.#leader = attempt;
  }

  #announce(candidate: Leased): void {
    if (this.#announced === candidate.peerId) return;
    this.#announced = candidate.peerId;
    this.events.push({ type: 'provider', candidate });
  }

  #challenge(): void {
    if (this.#attempts.size > 1 || this.#challenges >= MAX_CHALLENGES) return;
    this.#challenges += 1;
    void this.#askNext();
  }

  #stalled(): void {
    for (const attempt of [...this.#attempts]) {
      attempt.fail(new MeshError('provider_lost', 'The volunteer stopped in the middle of the answer.'));
    }
  }

  #failed(error: MeshError): void {
    if (this.#ended || this.#attempts.size > 0) return;
    // Only its last word is missing.
    if (this.#answer.tokens >= this.#request.maxTokens) {
      this.#done(this.#leader!, {
        finish: 'length',
        promptTokens: 0,
        completionTokens: 0,
        path: null,
        receipt: 'none',
      });
      return;
    }
    this.#failures += 1;
    this.#lastError = error;
    if (this.#failures >= MAX_FAILURES || !WORTH_ANOTHER.has(error.code)) {
      this.end(error);
      return;
    }
    if (this.#answer.tokens > 0) this.events.push({ type: 'interrupted', error });
    void this.#askNext();
  }

  #finish(attempt: Attempt, whole: Whole): void {
    this.#attempts.delete(attempt);
    if (attempt.offset + attempt.tokens !== this.#answer.tokens) {
      // It lost the race and ended before it heard of it.
      this.#failed(new MeshError('provider_lost', 'The answer broke off.'));
      return;
    }
    // There was nothing left to say.
    if (attempt !== this.#leader) this.#lead(attempt, this.#needs.clock.now());
    this.#done(attempt, whole);
  }

  #done(attempt: Attempt, { finish, promptTokens, completionTokens, path, receipt }: Whole): void {
    const endMs = this.#needs.clock.now();
    const firstMs = this.#firstMs ?? endMs;
    const measuredTokens = this.#answer.tokens - this.#firstTokens;
    this.#needs.hedges.earn();
    this.events.push({
      type: 'done',
      receipt: {
        ...{ provider: attempt.candidate.peerId, finish, promptTokens, path, receipt },
        // Not fewer than came, and not more than was asked for.
        completionTokens: Math.min(
          Math.max(attempt.offset + completionTokens, this.#answer.tokens),
          this.#request.maxTokens,
        ),
        seams: this.#seams,
        firstTokenMs: firstMs - this.#askedMs,
        tokensPerSecond: measuredTokens >= 8 && endMs > firstMs ? (measuredTokens * 1000) / (endMs - firstMs) : null,
      },
    });
    this.end();
  }

  #dismiss(attempt: Attempt): void {
    this.#attempts.delete(attempt);
    this.#needs.breakers.undecided(attempt.candidate.peerId);
    attempt.cancel();
  }
}

function nobody({ only }: AskRequest): MeshError {
  if (only === null) {
    return new MeshError('no_provider', 'Nobody lends this model right now. Choose another, or lend it yourself.');
  }
  return new MeshError(
    'no_trusted_provider',
    'None of those you trust lends this model right now. Choose another model, let anyone answer, or use this device.',
  );
}
