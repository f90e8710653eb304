/** One choice of an answer on its way from the mesh: it waits where it has to, and ends where the request says. */
import { onAbort } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';
import { FIRST_PIECE_MS } from '@llmesh/core/policy/patience';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { DeliveredAnswer } from '@llmesh/core/ask/delivered-answer';
import { asMeshError, cancelled, MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Mesh } from '@llmesh/core/mesh';
import { fileOf, offerName } from '@llmesh/core/policy/offer-name';
import { freeSlots } from '@llmesh/core/policy/best-offer';
import type { Bill } from '@llmesh/core/ask/bill';
import type { Conversations } from './conversations.ts';
import type { Line } from './line.ts';
import { MAX_ANSWER_TOKENS } from '../request/max-tokens.ts';
import { Spoken, type SpokenPart } from '../spoken/spoken.ts';
import { toolsOf, type Tool } from '@llmesh/core/syntax/tools';
import type { Candidate } from '@llmesh/core/wire/candidate';
import { isBreak, isWorthAnother } from '@llmesh/core/policy/error-meaning';
import type { AnswerEvent, AnswerSummary, AskRequest } from '@llmesh/core/ask/answer';

/** For somebody to go on, when a volunteer was lost and the mesh found no other. */
const MAX_PAUSE_MS = 60_000;
/** How often in a row, without a word between, the mesh may give an answer up because its providers broke. */
const MAX_BROKEN_ROUNDS = 2;
/** The pause before a provider that had no free slot is asked again. */
const AGAIN_MS = 1_000;

export interface Question extends Omit<AskRequest, 'model' | 'sha256' | 'maxTokens' | 'prefix' | 'prefer'> {
  /** The models in the order in which they are tried. Never empty. */
  models: readonly Offer[];
  /** Null: as long as the model likes and its context allows. */
  maxTokens: number | null;
  stops: readonly string[];
}

/** `model`: its name in the list of models; `promptTokens`: null while nobody has said how long the question is. */
export type ToldPart = SpokenPart & { model: string; provider: PeerId | null; promptTokens: number | null };

export type AnswerPart =
  /** Nobody has a free slot for it: it waits. */
  { type: 'waiting' } | ToldPart | { type: 'end'; ending: Ending };

export interface Ending {
  finish: 'stop' | 'length' | 'tool_calls';
  /** The text of the request before which it ended; null: none of them came. */
  stoppedAt: string | null;
  /** The name of the model in the list of models. */
  model: string;
  /** The file that wrote its end, by the provider's word; null: nobody wrote a word. */
  file: AnswerFile | null;
  /** The peers that wrote it, in order. More than one: it was resumed. */
  providers: readonly PeerId[];
  /** Null: nobody said how long the question was. */
  promptTokens: number | null;
  completionTokens: number;
  /** Those of them that are thoughts. */
  reasoningTokens: number;
  /** What was signed for, in micro-credits, and the last price: micro-credits for 1,000 tokens. */
  cost: number;
  price: number;
  /** Null for an answer that ended at a stop sequence: its provider was stopped before it could say the rest. */
  receipt: AnswerSummary | null;
}

export interface AnswerFile {
  /** Null: the provider does not say which file that is. */
  sha256: string | null;
  quant: string;
}

interface Writer {
  peerId: PeerId;
  file: AnswerFile;
}

export interface AnswerNeeds {
  mesh: Pick<Mesh, 'ask'>;
  line: Line;
  conversations: Conversations;
  clock: Clock;
}

/** Throws a `MeshError`. When `signal` aborts or the consumer stops iterating, the provider stops computing. */
export async function* answer(
  question: Question,
  needs: AnswerNeeds,
  signal: AbortSignal,
): AsyncGenerator<AnswerPart, void, undefined> {
  const [first, ...others] = question.models;
  if (first === undefined) throw new MeshError('unknown_model', 'Name a model.');
  const run = new AnswerRun(question, first, others, needs);
  yield* run.parts(signal);
}

class AnswerRun {
  readonly #question: Question;
  readonly #needs: AnswerNeeds;
  readonly #tools: readonly Tool[];
  /** Null before the first piece, which says how to read it. */
  #spoken: Spoken | null = null;
  readonly #delivered: DeliveredAnswer;
  readonly #providers: PeerId[] = [];
  readonly #bills: Bill[] = [];
  #promptTokens: number | null = null;
  #file: AnswerFile | null = null;
  #offer: Offer;
  #others: readonly Offer[];

  constructor(question: Question, first: Offer, others: readonly Offer[], needs: AnswerNeeds) {
    this.#question = question;
    this.#needs = needs;
    this.#offer = first;
    this.#others = others;
    this.#tools = question.tools === undefined ? [] : toolsOf(question.tools);
    this.#delivered = new DeliveredAnswer(null, question.adapter);
  }

  async *parts(signal: AbortSignal): AsyncGenerator<AnswerPart, void, undefined> {
    const { clock, line } = this.#needs;
    let deadlineMs = clock.now() + FIRST_PIECE_MS;
    let brokenRounds = 0;
    for (;;) {
      const tokens = this.#delivered.tokens;
      try {
        if (line.isLong) yield { type: 'waiting' };
        yield* this.#asked(deadlineMs, signal);
        return;
      } catch (thrown) {
        if (signal.aborted) throw cancelled();
        const error = asMeshError(thrown, 'engine_failed', 'The answer broke off. Ask again.');
        if (this.#delivered.tokens > tokens) {
          deadlineMs = clock.now() + MAX_PAUSE_MS;
          brokenRounds = 0;
        } else if (isBreak(error)) brokenRounds += 1;
        if (this.#fallBack(error)) continue;
        const enough = brokenRounds >= MAX_BROKEN_ROUNDS || clock.now() >= deadlineMs;
        if (enough || !this.#isWorthWaiting(error)) throw error;
      }
      yield { type: 'waiting' };
      await pause(AGAIN_MS, clock, signal);
    }
  }

  /** Asks once, up to the end of the answer or to an error, however much was written by then. */
  async *#asked(deadlineMs: number, signal: AbortSignal): AsyncGenerator<AnswerPart, void, undefined> {
    const { clock, line, mesh } = this.#needs;
    const late = new AbortController();
    const stopDeadline = clock.after(Math.max(0, deadlineMs - clock.now()), () => late.abort());
    const either = AbortSignal.any([signal, late.signal]);
    let leave = () => {};
    let writer: Writer | null = null;
    let hasStopped = false;
    try {
      leave = await line.enter(either);
      for await (const event of mesh.ask(this.#request(), either)) {
        switch (event.type) {
          case 'queued':
            if (this.#isFreeElsewhere()) throw new MeshError('busy', 'Every volunteer with this model is busy.');
            yield { type: 'waiting' };
            break;
          case 'provider':
          case 'resumed':
            leave();
            writer = writerOf(event.candidate);
            break;
          case 'piece': {
            stopDeadline();
            if (writer !== null) this.#written(event, writer);
            const { parts, stopped } = this.#read(event).push(event);
            for (const part of parts) yield this.#told(part);
            hasStopped = stopped;
            break;
          }
          case 'done': {
            for (const part of this.#spoken?.end() ?? []) yield this.#told(part);
            yield { type: 'end', ending: this.#ending(event.summary.finish, event.summary) };
            return;
          }
          case 'accepted':
          case 'interrupted':
            break;
          default:
            event satisfies never;
        }
        if (hasStopped) break;
      }
      if (hasStopped) {
        // Its provider was told to stop, so its bill is here.
        yield { type: 'end', ending: this.#ending('stop', null) };
        return;
      }
      throw new MeshError('provider_lost', 'The answer broke off. Ask again.');
    } catch (thrown) {
      if (late.signal.aborted && !signal.aborted) {
        throw new MeshError('busy', 'No volunteer had time for this question. Try another model, or again later.');
      }
      throw thrown;
    } finally {
      stopDeadline();
      leave();
    }
  }

  #request(): AskRequest {
    const { models: _, stops: __, maxTokens, ...question } = this.#question;
    const { tokens } = this.#delivered;
    const most = mostTokens(maxTokens, this.#offer);
    return {
      ...question,
      model: this.#offer.id,
      sha256: fileOf(this.#offer),
      maxTokens: Math.max(1, most - tokens),
      prefix: tokens === 0 ? null : this.#delivered.kept,
      onBill: (bill) => {
        this.#bills.push(bill);
        question.onBill?.(bill);
      },
      prefer: this.#needs.conversations.lastIn(offerName(this.#offer), question.turns),
    };
  }

  #written(piece: Extract<AnswerEvent, { type: 'piece' }>, { peerId, file }: Writer): void {
    const { text, tokens, tokenIds, promptTokens, syntax } = piece;
    this.#promptTokens ??= promptTokens ?? null;
    const written = {
      text,
      ...(tokenIds !== null && { tokenIds: [...tokenIds] }),
      ...(syntax !== undefined && { syntax }),
    };
    this.#delivered.add({ piece: written, units: tokens }, file);
    this.#file = file;
    if (this.#providers.at(-1) !== peerId) this.#providers.push(peerId);
  }

  #read({ syntax }: Extract<AnswerEvent, { type: 'piece' }>): Spoken {
    this.#spoken ??= new Spoken(syntax, this.#tools, this.#question.stops);
    return this.#spoken;
  }

  #told(part: SpokenPart): ToldPart {
    const [provider, promptTokens] = [this.#providers.at(-1) ?? null, this.#promptTokens];
    return { ...part, model: offerName(this.#offer), provider, promptTokens };
  }

  #ending(finish: Ending['finish'], receipt: AnswerSummary | null): Ending {
    const providers = this.#providers.length > 0 || receipt === null ? this.#providers : [receipt.provider];
    const completionTokens = receipt?.completionTokens ?? this.#delivered.tokens;
    const promptTokens = receipt === null || receipt.promptTokens === 0 ? this.#promptTokens : receipt.promptTokens;
    const last = providers.at(-1);
    const model = offerName(this.#offer);
    if (last !== undefined) this.#needs.conversations.answered(model, this.#question.turns, last);
    const { reasoningTokens = 0, stoppedAt = null } = this.#spoken ?? {};
    const [file, counted] = [this.#file, { promptTokens, completionTokens, reasoningTokens }];
    const cost = this.#bills.reduce((sum, bill) => sum + bill.cost, 0);
    const price = this.#bills.at(-1)?.price ?? 0;
    return { finish, stoppedAt, model, file, providers, ...counted, cost, price, receipt };
  }

  /** Moves on to the next model of the list, as long as nothing was written. */
  #fallBack({ code }: MeshError): boolean {
    const [next, ...others] = this.#others;
    if (next === undefined || this.#delivered.tokens > 0 || ASKERS_OWN.has(code)) return false;
    this.#offer = next;
    this.#others = others;
    return true;
  }

  /** Whether a model further down the list has a free slot, so that there is no need to wait. */
  #isFreeElsewhere(): boolean {
    return this.#delivered.tokens === 0 && this.#others.some((offer) => freeSlots(offer) > 0);
  }

  /** A beginning that has been written is not thrown away only because nobody can continue it at the moment. */
  #isWorthWaiting(error: MeshError): boolean {
    if (error.code === 'busy') return true;
    return this.#delivered.tokens > 0 && (isWorthAnother(error) || NOBODY.has(error.code));
  }
}

/** Nothing is put aside for more than the model's context can hold. */
export function mostTokens(maxTokens: number | null, { contextTokens }: Offer): number {
  return Math.min(maxTokens ?? MAX_ANSWER_TOKENS, contextTokens);
}

/** Another model would say the same, or break at the same point. */
const ASKERS_OWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'empty_prompt',
  'cancelled',
  'bad_schema',
  'too_few_tokens',
  'question_breaks',
]);
/** Nobody can answer right now. */
const NOBODY: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['no_provider', 'no_trusted_provider']);

function writerOf({ peerId, model: { sha256, quant } }: Candidate): Writer {
  return { peerId, file: { sha256, quant } };
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stopTimer = clock.after(ms, () => {
      stopListening();
      resolve();
    });
    const stopListening = onAbort(signal, () => {
      stopTimer();
      reject(cancelled());
    });
  });
}
