/**
 * One question on its way to its complete answer. Providers fail, stall and leave; the answer continues with the next
 * one, after exactly what has come. When a provider is late or falls silent, a second one is asked beside it, and the
 * one that brings the next words leads.
 */
import { AtWork } from './at-work.ts';
import { Attempt, type AttemptEvent, type AttemptNeeds, type SignedWork, type Whole } from './attempt.ts';
import { billOf, type Bill } from './bill.ts';
import type { Breakers } from './patience/breaker.ts';
import { Challenges } from './patience/challenges.ts';
import { AnswerStops } from './stops/answer-stops.ts';
import { AnswerTimes } from './answer-times.ts';
import { DeliveredAnswer, mayGoOn } from './delivered-answer.ts';
import { asMeshError, MeshError } from '../base/errors.ts';
import { loadingMs, pauseMs, type FirstWords } from './patience/first-words.ts';
import type { HedgeBudget } from './patience/hedge-budget.ts';
import type { PeerId } from '../base/ids.ts';
import { AsyncQueue } from '../base/queue.ts';
import { cannotGoOn, nobodyFor } from './provider-failure.ts';
import { kindOf, QuestionBreaks, type SuspectQuestions } from './patience/question-breaks.ts';
import type { Shortlist } from './shortlist.ts';
import { StallWatch, type Claim } from './patience/stall-watch.ts';
import type { Leased } from '../wire/candidate.ts';
import { isBreak, isWorthAnother } from '../policy/error-meaning.ts';
import type { Gift } from '../models/swarm/gifts.ts';
import type { QueuePosition } from '../wire/control-protocol.ts';
import type { AnswerEvent, AskRequest, Seam } from './answer.ts';
import { AnswerCheck } from '../tasks/answer-check.ts';
import type { AnswerInput, AnswerPiece, AnswerResult } from '../tasks/answer-messages.ts';
import type { AnswerTask } from '../tasks/answer-task.ts';
import type { FollowedAnswer } from '../tasks/followed-answer.ts';

/** Providers that fail in a row, without a word between them, before the requester gets the error. */
const MAX_FAILURES = 4;
/** As long as a provider waits for an adapter that we bring; then it says so. */
const GIVING_MS = 240_000;

/** What has its place between the words. */
type Placed = Extract<AnswerEvent, { type: 'piece' | 'resumed' }>;
type AnswerAttempt = Attempt<AnswerInput, AnswerPiece, AnswerResult>;
type AnswerAttemptEvent = AttemptEvent<AnswerPiece, AnswerResult>;

export interface AnsweringNeeds extends AttemptNeeds {
  shortlist: Shortlist;
  breakers: Breakers;
  suspects: SuspectQuestions;
  words: FirstWords;
  /** Hears of each part that both ends signed for. Left out: nobody keeps it. */
  signed?: ((work: SignedWork) => void) | undefined;
  hedges: HedgeBudget;
}

export interface Asked {
  kind: AnswerTask;
  input: AnswerInput;
  followed: FollowedAnswer;
  gift: Gift | null;
}

export class Answering {
  /** Ends with the answer, or with the `MeshError` that ended it. */
  readonly events = new AsyncQueue<AnswerEvent>();
  readonly #request: AskRequest;
  readonly #kind: AnswerTask;
  /** The input without the part of the answer that has come. */
  readonly #input: AnswerInput;
  readonly #needs: AnsweringNeeds;
  readonly #answer: DeliveredAnswer;
  /** The limit for the whole answer, including any earlier part of it. */
  readonly #maxTokens: number;
  readonly #times: AnswerTimes;
  /** Null: it ends where its provider ends it. */
  readonly #stops: AnswerStops<Placed> | null;
  readonly #followed: FollowedAnswer;
  readonly #gift: Gift | null;
  readonly #atWork: AtWork<AnswerAttempt>;
  readonly #challenges = new Challenges();
  readonly #breaks: QuestionBreaks;
  /** Providers that the control plane lost: they did not hang. */
  readonly #gone = new Set<PeerId>();
  readonly #seams: Seam[] = [];
  /** All that were ever at work on it. */
  readonly #asked: AnswerAttempt[] = [];
  /** The provider of the last words; null before the first. */
  #leader: AnswerAttempt | null = null;
  #announced: PeerId | null = null;
  /** By the word of the first provider that said so. */
  #promptTokens: number | null = null;
  #lastError: MeshError | null = null;
  #watch: StallWatch | null = null;
  #stopLate: (() => void) | null = null;
  #choosing = false;
  #failures = 0;
  #ended = false;

  /**
   * `input`: the request in the words of this kind; `followed`: what its answer has to follow; `gift`: the adapter that it
   * brings, which it closes at the end.
   */
  constructor(request: AskRequest, { kind, input, followed, gift }: Asked, needs: AnsweringNeeds) {
    this.#gift = gift;
    this.#request = request;
    this.#kind = kind;
    this.#input = input;
    this.#needs = needs;
    this.#atWork = new AtWork(needs.breakers);
    this.#answer = new DeliveredAnswer(request.prefix, request.adapter);
    this.#maxTokens = this.#answer.tokens + request.maxTokens;
    this.#times = new AnswerTimes(needs.clock.now());
    const { stop = [], prefix = null } = request;
    this.#stops = stop.length === 0 ? null : new AnswerStops(stop, prefix);
    this.#followed = followed;
    this.#breaks = new QuestionBreaks(kindOf(request), needs.suspects);
    if (this.#breaks.over) this.end(this.#breaks.error);
    void this.#askNext();
  }

  /** All providers that still work on it stop. With an error: that is how it ended. Idempotent. */
  end(error: MeshError | null = null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopLate?.();
    this.#watch?.stop();
    this.#needs.shortlist.close();
    for (const attempt of this.#atWork) this.#atWork.dismiss(attempt);
    void this.#gift?.close();
    this.#request.onBill?.(this.#bill);
    this.#pushHeld();
    this.events.end(error);
  }

  /** The control plane lost this provider: we no longer wait for its words, but use any that come. */
  gone(peer: PeerId): void {
    if (this.#ended) return;
    this.#gone.add(peer);
    if (this.#needs.shortlist.gone(peer) && this.#leader !== null) this.#needs.shortlist.warm(this.#answer);
    if ([...this.#atWork].some(({ candidate }) => candidate.peerId === peer)) this.#challenge();
  }

  /** Never rejects. */
  async #askNext(): Promise<void> {
    if (this.#choosing || this.#ended || !this.#breaks.mayAsk(this.#atWork.size)) return;
    this.#choosing = true;
    let asked = false;
    try {
      const candidate = await this.#choose();
      if (this.#ended) return;
      asked = candidate !== null;
      if (candidate !== null) this.#ask(candidate);
      else if (this.#atWork.size === 0)
        this.end(
          this.#lastError ??
            nobodyFor({
              needs: this.#kind.needs(this.#input),
              only: this.#request.only,
              begun: this.#answer.tokens > 0,
            }),
        );
    } catch (thrown) {
      // A provider that is at work may still finish it.
      if (this.#atWork.size > 0) return;
      const error = asMeshError(thrown, 'no_provider', 'Nobody could be asked. Try again.');
      // The reason why the answer broke off matters more than why nobody could continue it.
      this.end(this.#answer.tokens > 0 ? (this.#lastError ?? error) : error);
    } finally {
      this.#choosing = false;
    }
    const more = this.#leader === null && this.#atWork.size < (this.#gift === null ? (this.#request.copies ?? 1) : 1);
    if (asked && more) void this.#askNext();
  }

  /** A second provider beside one at work is never queued for: there we would only be in the way of others. */
  async #choose(): Promise<Leased | null> {
    const { shortlist } = this.#needs;
    const beside = this.#atWork.size > 0;
    const queued = (place: QueuePosition) => this.events.push({ type: 'queued', ...place });
    const chosen = await shortlist.next(this.#answer, beside ? null : queued);
    // The provider that was at work may be gone meanwhile.
    return chosen === null && beside && this.#atWork.size === 0 && !this.#ended ? this.#choose() : chosen;
  }

  #ask(candidate: Leased): void {
    const prefix = this.#answer.prefixFor(candidate.model);
    const input = { ...this.#input, prefix };
    const part = {
      kind: this.#kind,
      model: this.#request.model,
      input,
      maxUnits: this.#maxTokens - this.#answer.tokens,
      check: new AnswerCheck(input, this.#followed),
      offset: prefix?.tokens ?? 0,
      maxPrice: this.#request.maxPrice,
      ...(this.#needs.signed && { signed: this.#needs.signed }),
      ...(this.#gift !== null && {
        gift: this.#gift,
        gave: (peer: PeerId, sentBytes: number) => this.#gave(peer, sentBytes),
      }),
    };
    const attempt: AnswerAttempt = new Attempt(candidate, part, this.#needs, (one, event) => this.#take(one, event));
    this.#atWork.began(attempt);
    this.#asked.push(attempt);
    if (this.#atWork.size > 1) return;
    // The words of the previous one will not come any more: we wait for those of this one.
    const givingMs = this.#gift === null ? 0 : GIVING_MS;
    this.#watchSilence({ loadingMs: loadingMs(candidate.model) + givingMs, pauseMs: pauseMs(candidate.model) });
    if (this.#leader === null) this.#announce(candidate);
  }

  #gave(provider: PeerId, sentBytes: number): void {
    if (!this.#ended) this.#request.onGiving?.({ provider, sentBytes });
  }

  #watchSilence(claim?: Claim): void {
    this.#watch?.stop();
    const events = {
      suspected: (times: number) => {
        this.#atWork.fellSilent();
        this.#challenge(times);
      },
      stalled: () => this.#stalled(),
    };
    this.#watch = new StallWatch(this.#needs.clock, events, claim);
  }

  #take(attempt: AnswerAttempt, event: AnswerAttemptEvent): void {
    switch (event.type) {
      case 'late':
        this.#challenge(this.#atWork.size);
        break;
      case 'accepted':
        this.#accepted(attempt, event.ahead);
        break;
      case 'piece':
        this.#read(attempt, event);
        break;
      case 'whole':
        this.#finish(attempt, event.whole);
        break;
      case 'failed':
        this.#atWork.failed(attempt, event.error);
        this.#noteBreak(attempt, event.error);
        if (!attempt.taken) this.#challenges.inVain();
        if (this.#atWork.size === 0) this.#failed(event.error, attempt);
        // Those asked beside it have yet to read the prompt: its pace is not theirs.
        else if (attempt === this.#leader) this.#watchSilence();
        break;
      default:
        event satisfies never;
    }
  }

  #accepted(attempt: AnswerAttempt, ahead: number): void {
    if (attempt !== this.#atWork.first && ahead > 0) {
      this.#atWork.dismiss(attempt);
      this.#giveBack(attempt);
      return;
    }
    // Not worth reporting while words come from another.
    if (this.#atWork.has(this.#leader)) return;
    this.events.push({ type: 'accepted', ahead });
    if (ahead === 0) this.#expectFirstWords(attempt);
  }

  /** Late by its own history and its stated loading time: another is asked as well, if the budget allows. */
  #expectFirstWords(attempt: AnswerAttempt): void {
    const { clock, words, hedges } = this.#needs;
    this.#stopLate?.();
    if (this.#times.begun || !this.#hedges) return;
    const { peerId, model } = attempt.candidate;
    this.#stopLate = clock.after(words.lateAfterMs(peerId) + loadingMs(model), () => {
      if (!this.#times.begun && hedges.take()) this.#challenge();
    });
  }

  #read(attempt: AnswerAttempt, written: Extract<AnswerAttemptEvent, { type: 'piece' }>): void {
    const { index, piece, units } = written;
    // Another was faster: these words are known.
    if (attempt.offset + index !== this.#answer.tokens) return;
    const { clock, words } = this.#needs;
    const nowMs = clock.now();
    this.#atWork.heard(attempt);
    if (attempt !== this.#leader) this.#lead(attempt, nowMs);
    if (!this.#times.begun) {
      this.#stopLate?.();
      const { candidate, runsSinceMs } = attempt;
      // Only its own time: a wait for others, or for a model to load, says nothing about it.
      if (runsSinceMs !== null && candidate.model.wakesInMs === undefined)
        words.heard(candidate.peerId, nowMs - runsSinceMs);
    }
    if (index === 0) {
      this.#atWork.worked(attempt);
      this.#failures = 0;
    }
    this.#answer.add(written, attempt.candidate.model);
    this.#breaks.got(this.#answer.tokens);
    if (this.#atWork.size > 1 && this.#challenges.recovered(this.#answer.tokens)) this.#keepOnly(attempt);
    this.#watch?.heard();
    this.#times.heard(this.#answer.tokens, nowMs);
    const { text, tokenIds = null, logprobs, promptTokens, syntax } = piece;
    this.#promptTokens ??= promptTokens ?? null;
    const stopped = this.#place({
      type: 'piece',
      text,
      tokens: units,
      tokenIds,
      ...(logprobs !== undefined && { logprobs }),
      ...(promptTokens !== undefined && { promptTokens }),
      ...(syntax !== undefined && { syntax }),
    });
    if (stopped) {
      // Its provider is told to stop, and gets our signature for all that came, also for the stop itself.
      const inputUnits = this.#promptTokens ?? 0;
      this.#done(attempt, {
        result: { finish: 'stop' },
        inputUnits,
        units: attempt.units,
        path: null,
        receipt: 'none',
      });
      return;
    }
    if (index === 0) this.#needs.shortlist.warm(this.#answer);
  }

  /** From now on this attempt's words count. */
  #lead(attempt: AnswerAttempt, nowMs: number): void {
    const { candidate } = attempt;
    this.#keepOnly(attempt);
    if (this.#leader !== null) {
      // It was silent, and its link may be dead: spare other questions from finding out.
      this.#needs.links.doubt(this.#leader.candidate.peerId);
      const sameFile = this.#answer.isFile(candidate.model);
      const seam = {
        provider: candidate.peerId,
        atToken: this.#answer.tokens,
        pauseMs: this.#times.pauseMs(nowMs),
        sameFile,
      };
      this.#seams.push(seam);
      this.#place({ type: 'resumed', candidate, seam });
    } else this.#announce(candidate);
    this.#leader = attempt;
  }

  /** Gives out what cannot belong to a stop. True: the answer ends before a stop. */
  #place(event: Placed): boolean {
    const { events, stopped } = this.#stops?.push(event) ?? { events: [event], stopped: false };
    for (const placed of events) this.events.push(placed);
    return stopped;
  }

  /** No stop came of it after all. */
  #pushHeld(): void {
    for (const placed of this.#stops?.end() ?? []) this.events.push(placed);
  }

  #announce(candidate: Leased): void {
    if (this.#announced === candidate.peerId) return;
    this.#announced = candidate.peerId;
    this.events.push({ type: 'provider', candidate });
  }

  /** When more than `most` are at work on it already, nobody else is asked. */
  #challenge(most = 1): void {
    const atWork = this.#atWork.size;
    if (atWork === 0 || atWork > most || !this.#hedges || !this.#canBeHandedOn) return;
    if (!this.#breaks.mayAsk(atWork)) return;
    if (this.#challenges.ask(this.#answer.tokens)) void this.#askNext();
  }

  #stalled(): void {
    const leader = [...this.#atWork].filter((attempt) => attempt === this.#leader);
    for (const attempt of leader.length > 0 ? leader : [...this.#atWork]) {
      attempt.fail(new MeshError('provider_lost', 'The volunteer stopped in the middle of the answer.'));
    }
  }

  #noteBreak(attempt: AnswerAttempt, error: MeshError): void {
    const { candidate, channel, runsSinceMs, taken, units } = attempt;
    // A provider that was still busy with others had not started on this one.
    if (!isBreak(error) || !attempt.asked || (taken && runsSinceMs === null)) return;
    const { peerId } = candidate;
    this.#breaks.broke(peerId, taken && units === 0 && channel?.wentSilent === true && !this.#gone.has(peerId));
    this.#atWork.pardon(this.#breaks.blameless);
  }

  /** With a gift a second one would only halve the way that both take. */
  get #hedges(): boolean {
    return this.#request.hedge !== false && this.#gift === null;
  }

  /** Is the answer so far small enough to be sent? */
  get #canBeHandedOn(): boolean {
    return this.#answer.tokens === 0 || mayGoOn(this.#answer);
  }

  /** Nobody is at work on it any more. */
  #failed(thrown: MeshError, { offset }: AnswerAttempt): void {
    if (this.#ended) return;
    // The length of what others wrote is not the question's fault; another provider may have more context.
    const tooLong = offset > (this.#request.prefix?.tokens ?? 0) && thrown.code === 'prompt_too_long';
    const error = tooLong || !this.#canBeHandedOn ? cannotGoOn() : thrown;
    // Only its end message is missing.
    if (this.#leader !== null && this.#answer.tokens >= this.#maxTokens) {
      this.#done(this.#leader, {
        result: { finish: 'length' },
        inputUnits: 0,
        units: 0,
        path: null,
        receipt: 'none',
      });
      return;
    }
    this.#failures += 1;
    this.#challenges.reset();
    this.#lastError = error;
    if (this.#breaks.over) {
      this.end(this.#breaks.error);
      return;
    }
    const another = isWorthAnother(error) || (tooLong && this.#canBeHandedOn);
    if (this.#failures >= MAX_FAILURES || !another) {
      this.end(error);
      return;
    }
    if (this.#times.begun) this.events.push({ type: 'interrupted', error });
    void this.#askNext();
  }

  #finish(attempt: AnswerAttempt, whole: Whole<AnswerResult>): void {
    this.#atWork.finished(attempt);
    if (attempt.offset + attempt.units !== this.#answer.tokens) {
      // It lost the race, and ended before it heard about it.
      if (this.#atWork.size === 0) this.#failed(new MeshError('provider_lost', 'The answer broke off.'), attempt);
      return;
    }
    // There was nothing left to say.
    if (attempt !== this.#leader) this.#lead(attempt, this.#needs.clock.now());
    this.#done(attempt, whole);
  }

  #done(attempt: AnswerAttempt, { result, inputUnits, units, path, receipt }: Whole<AnswerResult>): void {
    const endMs = this.#needs.clock.now();
    this.#needs.hedges.earn();
    this.#breaks.worked();
    this.#pushHeld();
    const stoppedAt = this.#stops?.found ?? null;
    this.events.push({
      type: 'done',
      summary: {
        provider: attempt.candidate.peerId,
        finish: result.finish,
        ...(stoppedAt !== null && { stoppedAt }),
        promptTokens: inputUnits,
        path,
        receipt,
        // Not fewer than came, and not more than was asked for.
        completionTokens: Math.min(Math.max(attempt.offset + units, this.#answer.tokens), this.#maxTokens),
        seams: this.#seams,
        bill: this.#bill,
        firstTokenMs: this.#times.firstTokenMs(endMs),
        tokensPerSecond: this.#times.tokensPerSecond(endMs),
      },
    });
    this.end();
  }

  /** Of what has come so far. */
  get #bill(): Bill {
    return billOf(this.#asked.map(({ owed }) => owed).filter((owed) => owed !== null));
  }

  #keepOnly(attempt: AnswerAttempt): void {
    for (const spared of this.#atWork.keepOnly(attempt)) this.#giveBack(spared);
  }

  #giveBack({ candidate }: AnswerAttempt): void {
    this.#needs.shortlist.giveBack(candidate.peerId);
  }
}
