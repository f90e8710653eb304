/** How a question gets its answer: match, rank, dial, stream; another provider when one fails before its first word. */
import { onAbort } from './abort.ts';
import type { Channel } from './channel.ts';
import type { Clock } from './clock.ts';
import { asMeshError, cancelled, MeshError, type ErrorCode } from './errors.ts';
import { newTaskId, type ModelId, type PeerId, type TaskId } from './ids.ts';
import type { Links } from './links.ts';
import { isBlank, promptBytes } from './prompt.ts';
import { MAX_PROMPT_BYTES, MAX_TURNS, type Candidate, type Sampling, type TaskReply, type Turn } from './protocol.ts';
import { AsyncQueue } from './queue.ts';
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
]);

export interface AskRequest {
  model: ModelId;
  turns: Turn[];
  sampling: Sampling;
  maxTokens: number;
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
  /** From asking to the first text. */
  firstTokenMs: number;
  /** After the first piece; null for an answer too short to tell. */
  tokensPerSecond: number | null;
}

export interface RequesterOptions {
  links: Links;
  clock: Clock;
  random: () => number;
  /** Asks the control plane for a shortlist. */
  match: (model: ModelId, exclude: readonly PeerId[], signal: AbortSignal) => Promise<Candidate[]>;
}

interface Pending {
  channel: Channel;
  replies: AsyncQueue<TaskReply>;
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
    checkRequest(request);
    const askedMs = this.#options.clock.now();
    const tried = new Set<PeerId>();
    let failure: MeshError | null = null;
    while (tried.size < MAX_ATTEMPTS) {
      const candidate = await this.#next(request.model, tried, signal);
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
    if (pending?.channel === channel) pending.replies.push(reply);
  }

  /** The channel is gone: its answers break off. */
  channelClosed(channel: Channel, reason: MeshError | null): void {
    for (const pending of this.#pending.values()) {
      if (pending.channel !== channel) continue;
      pending.replies.end(reason ?? new MeshError('provider_lost', 'The volunteer closed the connection.'));
    }
  }

  async #next(model: ModelId, tried: Set<PeerId>, signal: AbortSignal): Promise<Candidate | undefined> {
    const { links, random, match } = this.#options;
    const candidates = await match(model, [...tried], signal);
    return rank(candidates, { exclude: tried, rttMs: (peer) => links.rttMs(peer), random })[0];
  }

  async *#attempt(
    candidate: Candidate,
    request: AskRequest,
    askedMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerEvent, void, undefined> {
    const { clock, links } = this.#options;
    const channel = await links.open(candidate.peerId, signal);
    const taskId = newTaskId();
    const replies = new AsyncQueue<TaskReply>();
    this.#pending.set(taskId, { channel, replies });
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
        lease: null,
      });
      const answer = new AnswerReader(request.maxTokens);
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
              answer.add(reply.index, reply.tokens);
              if (firstMs === null) {
                firstMs = clock.now();
                firstTokens = reply.tokens;
              }
              yield { type: 'piece', text: reply.text, tokens: reply.tokens };
              break;
            case 'TASK_RESPONSE': {
              settled = true;
              const endMs = clock.now();
              const measuredTokens = answer.tokens - firstTokens;
              yield {
                type: 'done',
                receipt: {
                  provider: candidate.peerId,
                  finish: reply.finish,
                  promptTokens: reply.promptTokens,
                  completionTokens: reply.completionTokens,
                  path: await channel.path(),
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
      stopTimer();
      stopAbort();
      release();
      this.#pending.delete(taskId);
    }
  }
}

/** Holds a provider to its word: pieces in order, none missing, no more than was asked for. */
class AnswerReader {
  tokens = 0;
  #maxTokens: number;

  constructor(maxTokens: number) {
    this.#maxTokens = maxTokens;
  }

  add(index: number, tokens: number): void {
    if (index !== this.tokens || tokens < 1) {
      throw new MeshError('bad_message', 'The volunteer sent the pieces of the answer out of order.');
    }
    this.tokens += tokens;
    if (this.tokens > this.#maxTokens) {
      throw new MeshError('bad_message', 'The volunteer sent more than was asked for.');
    }
  }
}

function checkRequest(request: AskRequest): void {
  if (isBlank(request.turns)) throw new MeshError('empty_prompt', 'Write a message first.');
  if (promptBytes(request.turns) > MAX_PROMPT_BYTES || request.turns.length > MAX_TURNS) {
    throw new MeshError(
      'prompt_too_long',
      'This conversation is too long to send. Shorten the message, or start a new conversation.',
    );
  }
}
