/** Every question that this peer has asked and that is being answered. How one gets its answer: `answering.ts`. */
import * as v from 'valibot';
import { needsOf } from '../policy/abilities.ts';
import { onAbort } from '../base/abort.ts';
import { Answering, type AnsweringNeeds } from './answering.ts';
import type { Attempt } from './attempt.ts';
import { Breakers } from './patience/breaker.ts';
import type { Channel } from '../peers/channel.ts';
import type { Clock } from '../base/clock.ts';
import type { Place } from '../control/control-requests.ts';
import type { KeptAnswer } from './delivered-answer.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import { embed, type Embedded, type EmbedRequest } from './embedding.ts';
import { embedInParts } from './embedding-parts.ts';
import { sha256 } from '../wire/fields.ts';
import { FirstWords } from './patience/first-words.ts';
import { FollowedForm } from '../form/followed-form.ts';
import { HedgeBudget } from './patience/hedge-budget.ts';
import type { Identity, verify } from '../identity/identity.ts';
import type { ModelId, PeerId, TaskId } from '../base/ids.ts';
import type { Links } from '../peers/links.ts';
import { SuspectQuestions } from './patience/question-breaks.ts';
import { prefixFault, turnsFault } from '../engine/prompt.ts';
import type { Sampling, TaskReply, TokenLogprob, Turn } from '../protocol.ts';
import type { ReceiptFiler } from '../receipts/receipt-filer.ts';
import { Shortlist, type AskControl } from './shortlist.ts';
import type { Path } from '../transport/transport.ts';
import type { Candidate } from '../wire/candidate.ts';

export interface AskRequest {
  model: ModelId;
  turns: Turn[];
  /** `completion`: the text of the one turn is gone on with as it stands. Left out: `chat`. */
  task?: 'chat' | 'completion';
  sampling: Sampling;
  /** For each token how likely it was, and so many others, the likeliest, 0 to 20. Left out: nothing is told. */
  logprobs?: number;
  /** The adapter that the model answers with, by the SHA-256 of its file. Left out: it answers as it is. */
  adapter?: string;
  /** The model's own file, by its SHA-256; null: one that is not named. Left out: the one that its id means. */
  sha256?: string | null | undefined;
  /** The answer is JSON of this form, a JSON schema as text (`json-schema.ts`), unless it is cut at `maxTokens`. */
  schema?: string;
  /** To be written now: what `prefix` has does not count. */
  maxTokens: number;
  /** Who may run it: no one but these; null: anyone. */
  only: readonly PeerId[] | null;
  /** Who may not run it in any case, at most 32. Left out: anyone may. */
  exclude?: readonly PeerId[];
  /** Who answered last in this conversation and may have it in its memory still. */
  prefer?: PeerId | null;
  /** Providers that begin it side by side; the first to speak goes on. Left out: one. */
  copies?: number;
  /** Ask another beside one that is late or falls silent. Left out: yes. */
  hedge?: boolean;
  /** The answer was begun before: goes on after exactly this. */
  prefix?: KeptAnswer | null;
}

export type AnswerEvent =
  /** All who could answer are busy; told again when our place in the line changes. Another event ends it. */
  | ({ type: 'queued' } & Place)
  /** This provider was asked. Comes again when it failed, or was late, before its first word and another one is asked. */
  | { type: 'provider'; candidate: Candidate }
  /** A provider took the task, or its rest; `ahead` others come first. 0: it is being answered. */
  | { type: 'accepted'; ahead: number }
  /** `tokenIds`: in the vocabulary of the file of the provider that was named last; null where it cannot tell. */
  | {
      type: 'piece';
      text: string;
      tokens: number;
      tokenIds: readonly number[] | null;
      /** Of each token, where the request asks for it. */
      logprobs?: readonly TokenLogprob[];
      /** Of the turns, as soon as a provider tells. */
      promptTokens?: number;
    }
  /** Who wrote it is gone; somebody to go on with it is sought. */
  | { type: 'interrupted'; error: MeshError }
  /** Another provider goes on after the last piece. */
  | { type: 'resumed'; candidate: Candidate; seam: Seam }
  | { type: 'done'; receipt: AnswerReceipt };

/** Where one provider's words end and another's begin. */
export interface Seam {
  provider: PeerId;
  /** Tokens before it. */
  atToken: number;
  /** From the last word before it to the first after it. */
  pauseMs: number;
  /** The very same model file: greedy decoding went on as if nothing had happened. */
  sameFile: boolean;
}

/** What there is to know about a finished answer. */
export interface AnswerReceipt {
  /** Who brought its end. */
  provider: PeerId;
  finish: 'stop' | 'length';
  promptTokens: number;
  completionTokens: number;
  path: Path | null;
  /** Of its last part. signed: by both. refused: the provider's half was untrue. none: it sent none. */
  receipt: 'signed' | 'refused' | 'none';
  seams: readonly Seam[];
  /** From asking to the first text. */
  firstTokenMs: number;
  /** After the first piece; null for an answer too short to tell. */
  tokensPerSecond: number | null;
}

export interface RequesterOptions {
  identity: Identity;
  verify: typeof verify;
  links: Links;
  filer: Pick<ReceiptFiler, 'file'>;
  clock: Clock;
  random: () => number;
  /** Asks the control plane for a shortlist. */
  match: AskControl;
}

export class Requester {
  readonly #options: RequesterOptions;
  readonly #needs: Omit<AnsweringNeeds, 'shortlist'>;
  readonly #attempts = new Map<TaskId, Attempt>();
  readonly #answerings = new Set<Answering>();

  constructor(options: RequesterOptions) {
    this.#options = options;
    const { links, identity, verify, filer, clock, random } = options;
    this.#needs = {
      ...{ links, identity, verify, filer, clock },
      listen: (taskId, attempt) => {
        this.#attempts.set(taskId, attempt);
        return () => this.#attempts.delete(taskId);
      },
      breakers: new Breakers(clock, random),
      suspects: new SuspectQuestions(clock),
      words: new FirstWords(),
      hedges: new HedgeBudget(),
    };
  }

  /**
   * The answer as it comes. Throws a `MeshError`; text that was yielded before stays good. When `signal` aborts or the
   * consumer stops iterating, the provider is told to stop computing.
   */
  async *ask(request: AskRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    const fault = turnsFault(request.turns, request.task) ?? prefixFault(request.prefix ?? null);
    if (fault !== null) throw fault;
    const form = request.schema === undefined ? null : new FollowedForm(request.schema);
    if (request.adapter !== undefined && !v.is(sha256, request.adapter)) {
      throw new MeshError(
        'unsupported',
        'An adapter is named by the SHA-256 of its file: 64 digits and letters a to f.',
      );
    }
    const { links, clock, random, match } = this.#options;
    const { breakers } = this.#needs;
    const { model, sha256: file, maxTokens, only, exclude = [], prefer = null } = request;
    const question = { model, sha256: file, maxTokens, only, exclude, prefer, ...needsOf(request) };
    const shortlist = new Shortlist(question, { links, breakers, clock, random, match });
    const answering = new Answering(request, { ...this.#needs, shortlist }, form);
    this.#answerings.add(answering);
    const stopAbort = onAbort(signal, () => answering.end(cancelled()));
    try {
      for (let batch = await answering.events.take(); batch !== null; batch = await answering.events.take()) {
        yield* batch;
      }
    } finally {
      stopAbort();
      this.#answerings.delete(answering);
      answering.end();
    }
  }

  /** Vectors of texts. Throws a `MeshError`; when `signal` aborts every provider stops computing. */
  embed(request: EmbedRequest, signal: AbortSignal): Promise<Embedded> {
    const { links, clock, random, match } = this.#options;
    const { breakers } = this.#needs;
    const { model, sha256: file, only, exclude = [] } = request;
    const needs = needsOf({ task: 'embedding', sampling: {} });
    const embedOne = (part: EmbedRequest, aborted: AbortSignal) => {
      const question = { model, sha256: file, maxTokens: part.inputs.length, only, exclude, prefer: null, ...needs };
      const shortlist = new Shortlist(question, { links, breakers, clock, random, match });
      return embed(part, { ...this.#needs, shortlist }, aborted);
    };
    return embedInParts(request, embedOne, signal);
  }

  /** What a provider said about a task. Replies from anyone but the one who was asked are dropped. */
  handle(channel: Channel, reply: TaskReply): void {
    const attempt = this.#attempts.get(reply.taskId);
    if (attempt?.channel === channel) attempt.handle(reply);
  }

  /** The control plane lost this provider. It may still be there: its answers go on as long as they do. */
  gone(peer: PeerId): void {
    for (const answering of this.#answerings) answering.gone(peer);
  }

  /** The channel is gone: its answers break off. */
  channelClosed(channel: Channel, reason: MeshError | null): void {
    for (const attempt of [...this.#attempts.values()]) attempt.channelClosed(channel, reason);
  }
}
