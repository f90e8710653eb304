/** How a question gets its answer: match, rank, dial, stream; another provider when one fails before its first word. */
import { onAbort } from './abort.ts';
import type { Channel } from './channel.ts';
import type { Clock } from './clock.ts';
import { asMeshError, cancelled, MeshError, type ErrorCode } from './errors.ts';
import type { Identity } from './identity.ts';
import { newTaskId, type ModelId, type PeerId, type TaskId } from './ids.ts';
import type { Links } from './links.ts';
import { turnsFault } from './prompt.ts';
import type { Sampling, TaskReply, Turn } from './protocol.ts';
import type { MatchQuestion } from './control.ts';
import type { Candidate, Leased } from './control-protocol.ts';
import { AsyncQueue } from './queue.ts';
import type { ReceiptFiler } from './receipt-filer.ts';
import { ReceivedAnswer } from './received-answer.ts';
import { rank } from './route.ts';
import type { Path } from './transport.ts';

/** A provider says at once whether it takes a task; one that does not is broken. */
const ACCEPT_TIMEOUT_MS = 5_000;
/** Providers asked before the question is given back to its asker. */
const MAX_ATTEMPTS = 4;
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

export interface AskRequest {
  model: ModelId;
  turns: Turn[];
  sampling: Sampling;
  maxTokens: number;
  /** Who may run it: no one but these; null: anyone. */
  only: readonly PeerId[] | null;
}

export type AnswerEvent =
  /** This provider was asked. Comes again when it failed before its first word and another one is asked. */
  | { type: 'provider'; candidate: Candidate }
  /** The provider took the task; `ahead` others come first. 0: it is being answered. */
  | { type: 'accepted'; ahead: number }
  | { type: 'piece'; text: string; tokens: number }
  | { type: 'done'; receipt: AnswerReceipt };

/** What there is to know about a finished answer. */
export interface AnswerReceipt {
  provider: PeerId;
  finish: 'stop' | 'length';
  promptTokens: number;
  completionTokens: number;
  path: Path | null;
  /** signed: by both. refused: the provider's half was untrue. none: it sent none. */
  receipt: 'signed' | 'refused' | 'none';
  /** From asking to the first text. */
  firstTokenMs: number;
  /** After the first piece; null for an answer too short to tell. */
  tokensPerSecond: number | null;
}

export interface RequesterOptions {
  identity: Identity;
  links: Links;
  filer: Pick<ReceiptFiler, 'file'>;
  clock: Clock;
  random: () => number;
  /** Asks the control plane for a shortlist. */
  match: (question: MatchQuestion, signal: AbortSignal) => Promise<Leased[]>;
}

interface Pending {
  channel: Channel;
  replies: AsyncQueue<TaskReply>;
  answer: ReceivedAnswer;
}

export class Requester {
  #options: RequesterOptions;
  #pending = new Map<TaskId, Pending>();

  constructor(options: RequesterOptions) {
    this.#options = options;
  }

  /**
   * The answer as it comes. Throws a `MeshError`; text that was yielded before stays good. When `signal` aborts or the
   * consumer stops iterating, the provider is told to stop computing.
   */
  async *ask(request: AskRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    const fault = turnsFault(request.turns);
    if (fault !== null) throw fault;
    const askedMs = this.#options.clock.now();
    const tried = new Set<PeerId>();
    let failure: MeshError | null = null;
    while (tried.size < MAX_ATTEMPTS) {
      const candidate = await this.#next(request, tried, signal);
      if (candidate === undefined) break;
      tried.add(candidate.peerId);
      yield { type: 'provider', candidate };
      let delivered = false;
      try {
        for await (const event of this.#attempt(candidate, request, askedMs, signal)) {
          delivered ||= event.type === 'piece';
          yield event;
        }
        return;
      } catch (thrown) {
        failure = asMeshError(thrown, 'provider_lost', 'The answer broke off.');
        if (delivered || !WORTH_ANOTHER.has(failure.code)) throw failure;
      }
    }
    throw (
      failure ?? new MeshError('no_provider', 'Nobody lends this model right now. Choose another, or lend it yourself.')
    );
  }

  /** What a provider said about a task. Replies from anyone but the one who was asked are dropped. */
  handle(channel: Channel, reply: TaskReply): void {
    const pending = this.#pending.get(reply.taskId);
    if (pending?.channel !== channel) return;
    try {
      // When it comes and not when it is read: the provider is owed a word about it now.
      if (reply.kind === 'TASK_CHUNK') pending.answer.add(reply);
      pending.replies.push(reply);
    } catch (thrown) {
      this.#pending.delete(reply.taskId);
      pending.replies.end(thrown);
    }
  }

  /** The channel is gone: its answers break off. */
  channelClosed(channel: Channel, reason: MeshError | null): void {
    for (const pending of this.#pending.values()) {
      if (pending.channel !== channel) continue;
      pending.replies.end(reason ?? new MeshError('provider_lost', 'The volunteer closed the connection.'));
    }
  }

  async #next(request: AskRequest, tried: Set<PeerId>, signal: AbortSignal): Promise<Leased | undefined> {
    const { links, random, match } = this.#options;
    const { model, maxTokens, only } = request;
    const leased = await match({ model, maxTokens, exclude: [...tried], only }, signal);
    // The server is asked to keep to `only`, and not trusted to.
    const candidates = only === null ? leased : leased.filter(({ peerId }) => only.includes(peerId));
    return rank(candidates, { exclude: tried, rttMs: (peer) => links.rttMs(peer), random })[0];
  }

  async *#attempt(
    candidate: Leased,
    request: AskRequest,
    askedMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerEvent, void, undefined> {
    const { clock, links, identity } = this.#options;
    const channel = await links.open(candidate.peerId, signal);
    const taskId = newTaskId();
    const replies = new AsyncQueue<TaskReply>();
    const answer = new ReceivedAnswer({
      ...{ taskId, candidate, request, identity, clock },
      acknowledge: (acknowledgement) => channel.send({ kind: 'TASK_ACK', taskId, acknowledgement }),
      failed: (thrown) => replies.end(asMeshError(thrown, 'identity_unusable', KEY_FAILED)),
    });
    this.#pending.set(taskId, { channel, replies, answer });
    const release = channel.hold(false);
    const stopAbort = onAbort(signal, () => replies.end(cancelled()));
    const stopTimer = clock.after(ACCEPT_TIMEOUT_MS, () =>
      replies.end(new MeshError('provider_lost', 'The volunteer did not take the question.')),
    );
    let settled = false;
    try {
      if (!channel.open) throw new MeshError('provider_lost', 'The volunteer closed the connection.');
      channel.send({
        kind: 'TASK_REQUEST',
        taskId,
        task: 'chat',
        model: request.model,
        turns: request.turns,
        sampling: request.sampling,
        maxTokens: request.maxTokens,
        lease: answer.leaseBytes,
        salt: answer.salt,
      });
      let firstMs: number | null = null;
      let firstTokens = 0;
      for (let batch = await replies.take(); batch !== null; batch = await replies.take()) {
        for (const reply of batch) {
          switch (reply.kind) {
            case 'TASK_ACCEPTED':
              stopTimer();
              yield { type: 'accepted', ahead: reply.ahead };
              break;
            case 'TASK_CHUNK':
              if (firstMs === null) {
                firstMs = clock.now();
                firstTokens = reply.tokens;
              }
              yield { type: 'piece', text: reply.text, tokens: reply.tokens };
              break;
            case 'TASK_RESPONSE': {
              settled = true;
              const endMs = clock.now();
              const receipt = await this.#countersign(channel, taskId, answer, reply.receipt);
              const measuredTokens = answer.tokens - firstTokens;
              yield {
                type: 'done',
                receipt: {
                  provider: candidate.peerId,
                  finish: reply.finish,
                  promptTokens: reply.promptTokens,
                  completionTokens: reply.completionTokens,
                  path: await channel.path(),
                  receipt,
                  firstTokenMs: (firstMs ?? endMs) - askedMs,
                  tokensPerSecond:
                    firstMs !== null && measuredTokens >= 8 && endMs > firstMs
                      ? (measuredTokens * 1000) / (endMs - firstMs)
                      : null,
                },
              };
              return;
            }
            case 'TASK_ERROR':
              settled = true;
              throw new MeshError(reply.code, reply.message);
            default:
              reply satisfies never;
          }
        }
      }
    } finally {
      if (!settled) channel.send({ kind: 'TASK_CANCEL', taskId });
      // What came was delivered, however it ended.
      answer.breakOff();
      stopTimer();
      stopAbort();
      release();
      this.#pending.delete(taskId);
    }
  }

  /** The text is good, whatever comes of this. Throws identity_unusable. */
  async #countersign(
    channel: Channel,
    taskId: TaskId,
    answer: ReceivedAnswer,
    providerHalf: Uint8Array | null,
  ): Promise<AnswerReceipt['receipt']> {
    if (providerHalf === null) return 'none';
    try {
      const { half, proof } = await answer.countersign(providerHalf);
      channel.send({ kind: 'TASK_RECEIPT', taskId, receipt: half });
      this.#options.filer.file(proof);
      return 'signed';
    } catch (thrown) {
      const error = asMeshError(thrown, 'identity_unusable', KEY_FAILED);
      if (error.code === 'receipt_refused') return 'refused';
      throw error;
    }
  }
}

const KEY_FAILED = 'The key of this computer does not sign. Start again.';
