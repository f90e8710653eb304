/** All questions that this peer has asked and that are being answered. How one gets its answer: `answering.ts`. */
import * as v from 'valibot';
import { quoteFor, type Quote } from './bill.ts';
import { onAbort } from '../base/abort.ts';
import { stopsFault } from './stops/answer-stops.ts';
import { Answering, type AnsweringNeeds } from './answering.ts';
import type { AttemptNeeds, Listener } from './attempt.ts';
import { Checks, type ChecksOptions } from './checks.ts';
import { Breakers } from './patience/breaker.ts';
import type { Channel } from '../peers/channel.ts';
import type { Clock } from '../base/clock.ts';
import { prefixFault } from './delivered-answer.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import { embedInParts, type Embedded, type EmbedRequest } from './embedding-parts.ts';
import { run, type RunEvent, type RunRequest } from './running.ts';
import type { AnswerInput } from '../tasks/answer-messages.ts';
import { chat } from '../tasks/chat.ts';
import { completion } from '../tasks/completion.ts';
import { embedding } from '../tasks/embedding.ts';
import { FollowedAnswer } from '../tasks/followed-answer.ts';
import type { TaskKind } from '../tasks/task-kind.ts';
import { sha256 } from '../wire/fields.ts';
import type { Offer } from '../wire/model-advert.ts';
import type { Gift } from '../models/swarm/gifts.ts';
import type { Swarm } from '../models/swarm/swarm.ts';
import { FirstWords } from './patience/first-words.ts';
import { HedgeBudget } from './patience/hedge-budget.ts';
import type { Identity, verify } from '../identity/identity.ts';
import type { PeerId, TaskId } from '../base/ids.ts';
import type { Links } from '../peers/links.ts';
import { SuspectQuestions } from './patience/question-breaks.ts';
import type { TaskReply } from '../protocol.ts';
import type { AuditCall } from '../wire/audit-messages.ts';
import type { ReceiptFiler } from '../receipts/receipt-filer.ts';
import { Shortlist, type AskControl } from './shortlist.ts';
import type { AskRequest, AnswerEvent } from './answer.ts';

export interface RequesterOptions {
  identity: Identity;
  verify: typeof verify;
  links: Links;
  filer: Pick<ReceiptFiler, 'file'>;
  clock: Clock;
  random: () => number;
  /** Asks the control plane for a shortlist. */
  match: AskControl;
  /** What the mesh says that it offers, with prices. */
  offers: () => readonly Offer[];
  /** `links`: those over which answers go to their auditors. */
  checks: Omit<ChecksOptions, Exclude<keyof AttemptNeeds, 'links'>>;
  /** Where adapters lie that questions bring along; null: nowhere. */
  gifts: Pick<Swarm, 'gift'> | null;
}

export class Requester {
  readonly #options: RequesterOptions;
  readonly #needs: Omit<AnsweringNeeds, 'shortlist'>;
  readonly #attempts = new Map<TaskId, Listener>();
  readonly #answerings = new Set<Answering>();
  readonly #checks: Checks;

  constructor(options: RequesterOptions) {
    this.#options = options;
    const { links, identity, verify, filer, clock, random } = options;
    this.#needs = {
      links,
      identity,
      verify,
      filer,
      clock,
      listen: (taskId, attempt) => {
        this.#attempts.set(taskId, attempt);
        return () => this.#attempts.delete(taskId);
      },
      breakers: new Breakers(clock, random),
      suspects: new SuspectQuestions(clock),
      words: new FirstWords(),
      hedges: new HedgeBudget(),
    };
    this.#checks = new Checks({ ...this.#needs, ...options.checks });
  }

  /**
   * The answer as it comes. Throws a `MeshError`; text that was yielded before stays valid. When `signal` aborts or the
   * consumer stops iterating, the provider is told to stop computing.
   */
  async *ask(request: AskRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    const kind = request.task === 'completion' ? completion : chat;
    const input = inputOf(request);
    const fault = kind.fault(input) ?? prefixFault(request.prefix ?? null) ?? stopsFault(request.stop ?? []);
    if (fault !== null) throw fault;
    const followed = new FollowedAnswer(input);
    if (request.adapter !== undefined && !v.is(sha256, request.adapter)) {
      throw new MeshError(
        'unsupported',
        'Name an adapter by the SHA-256 of its file: 64 characters, digits and letters a to f.',
      );
    }
    const gift = await this.#gift(request);
    const { maxTokens: maxUnits, prefer = null } = request;
    const maxPrice = this.#mostFor(kind, input, { ...request, maxUnits });
    const shortlist = this.#shortlist(kind, input, { ...request, maxUnits, maxPrice, prefer });
    const signed = this.#checks.keeperFor(request);
    const answering = new Answering(
      { ...request, maxPrice },
      { kind, input, followed, gift },
      { ...this.#needs, shortlist, signed },
    );
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

  /** The adapter that this question brings; null: none. Rejects with unsupported, or model_not_found. */
  async #gift({ adapter, brings }: AskRequest): Promise<Gift | null> {
    if (brings === undefined) return null;
    const { gifts } = this.#options;
    if (gifts === null || adapter === undefined) {
      throw new MeshError(
        'unsupported',
        'Files cannot be given to others from here, so no adapter can be brought along.',
      );
    }
    return gifts.gift(brings);
  }

  /**
   * A task of any kind, its pieces as they come. When a provider fails, the next one gets the rest, as the kind defines
   * it. Throws a `MeshError`; when `signal` aborts the provider stops computing.
   */
  run<Input, Piece, Result>(
    kind: TaskKind<Input, Piece, Result>,
    request: RunRequest<Input>,
    signal: AbortSignal,
  ): AsyncGenerator<RunEvent<Piece, Result>, void, undefined> {
    const maxPrice = this.#mostFor(kind, request.input, request);
    const shortlist = this.#shortlist(kind, request.input, { ...request, maxPrice, prefer: null });
    return run(kind, { ...request, maxPrice }, { ...this.#needs, shortlist }, signal);
  }

  /** What this question will cost at most; null: the mesh does not say that it offers the model. */
  quote(request: AskRequest): Quote | null {
    const kind = request.task === 'completion' ? completion : chat;
    return this.#quote(kind, inputOf(request), { ...request, maxUnits: request.maxTokens });
  }

  /** Turns texts into vectors. Throws a `MeshError`; when `signal` aborts every provider stops computing. */
  embed(request: EmbedRequest, signal: AbortSignal): Promise<Embedded> {
    const ask = (texts: string[], aborted: AbortSignal) =>
      this.run(embedding, { ...request, input: { texts }, maxUnits: texts.length }, aborted);
    return embedInParts(request, ask, signal);
  }

  #quote<Input>(
    { offeredAs: task, complexity }: Priced<Input>,
    input: Input,
    { model, sha256: file, maxUnits }: Pick<Routed, 'model' | 'sha256' | 'maxUnits'>,
  ): Quote | null {
    const asked = { task, model, sha256: file, complexity: complexity(input), maxUnits };
    return quoteFor(this.#options.offers(), asked);
  }

  /** The most that may be charged: what whoever asks was told, or what the mesh shows now. */
  #mostFor<Input>(
    kind: Priced<Input>,
    input: Input,
    request: Pick<Routed, 'model' | 'sha256' | 'maxUnits'> & { maxPrice?: number | undefined },
  ): number | undefined {
    return request.maxPrice ?? this.#quote(kind, input, request)?.price;
  }

  #shortlist<Input>(
    kind: Pick<TaskKind<Input>, 'offeredAs' | 'needs' | 'complexity'>,
    input: Input,
    { model, sha256: file, maxUnits, maxPrice, only, exclude = [], prefer, attestedBy }: Routed,
  ): Shortlist {
    const { links, clock, random, match } = this.#options;
    const { breakers } = this.#needs;
    const who = { only, exclude, prefer, ...kind.needs(input), sha256: file, attestedBy };
    const question = { task: kind.offeredAs, model, maxUnits, maxPrice, complexity: kind.complexity(input), ...who };
    return new Shortlist(question, { links, breakers, clock, random, match });
  }

  /** A provider's reply about a task. Replies from anyone but the provider that was asked are dropped. */
  handle(channel: Channel, reply: TaskReply): void {
    const attempt = this.#attempts.get(reply.taskId);
    if (attempt?.channel === channel) attempt.handle(reply);
  }

  /** The control plane drew an answer of ours to be checked. */
  audit(call: AuditCall): void {
    void this.#checks.audit(call);
  }

  /** We found this answer of others wrong: see `Checks.doubt`. */
  doubt(...answer: Parameters<Checks['doubt']>): void {
    this.#checks.doubt(...answer);
  }

  /** Forgets what could be checked. Idempotent. */
  close(): void {
    this.#checks.close();
  }

  /** The control plane lost this provider. It may still be there: its answers continue as long as they do. */
  gone(peer: PeerId): void {
    for (const answering of this.#answerings) answering.gone(peer);
  }

  /** The channel is gone: its answers break off. */
  channelClosed(channel: Channel, reason: MeshError | null): void {
    for (const attempt of [...this.#attempts.values()]) attempt.channelClosed(channel, reason);
  }
}

type Priced<Input> = Pick<TaskKind<Input>, 'offeredAs' | 'complexity'>;
type Routed = Pick<AskRequest, 'model' | 'sha256' | 'only' | 'exclude' | 'attestedBy'> & {
  maxUnits: number;
  maxPrice?: number | undefined;
  prefer: PeerId | null;
};

/** Fields that are undefined are not packed. */
function inputOf({ turns, sampling, schema, tools, thinking, adapter, brings, logprobs }: AskRequest): AnswerInput {
  return { turns, sampling, schema, tools, thinking, adapter, brings, logprobs, prefix: null };
}
