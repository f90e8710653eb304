/** The open requests to the control plane: each has a number, and ends in time. */
import { untilAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import {
  QUEUED_EVERY_MS,
  type FromServer,
  type Queued,
  type ToServer,
  type QueuePosition,
} from '../wire/control-protocol.ts';
import { MeshError } from '../base/errors.ts';

const ANSWER_TIMEOUT_MS = 5_000;
/** A position in the queue counts as lost when nothing is heard of it for this long. */
const QUEUED_TIMEOUT_MS = 3 * QUEUED_EVERY_MS;

type Request = Extract<ToServer, { type: keyof Answers }>;
type WithoutId<T> = T extends unknown ? Omit<T, 'requestId'> : never;
/** The answer to each kind of request. */
interface Answers {
  match: 'matched';
  file: 'filed';
  report: 'filed';
  kept: 'filed';
  relay: 'relayed';
  order: 'filed';
  holders: 'held';
}
type AnswerTo<K extends Request['type']> = Extract<FromServer, { type: Answers[K] }>;
type Answer = AnswerTo<Request['type']>;
const ANSWERS: Readonly<Answers> = {
  match: 'matched',
  file: 'filed',
  report: 'filed',
  kept: 'filed',
  relay: 'relayed',
  order: 'filed',
  holders: 'held',
};

interface Pending {
  /** Null: this request is never queued. */
  queued: ((place: QueuePosition) => void) | null;
  stopTimer: () => void;
  expects: Answer['type'];
  resolve: (answer: Answer) => void;
  reject: (error: MeshError) => void;
}

export class ControlRequests {
  #clock: Clock;
  #send: (message: ToServer) => void;
  #nextId = 1;
  #unanswered: (sinceMs: number) => void;
  #pending = new Map<number, Pending>();

  /** `unanswered` hears of a request that got no answer, and since when. */
  constructor(clock: Clock, send: (message: ToServer) => void, unanswered: (sinceMs: number) => void) {
    this.#clock = clock;
    this.#send = send;
    this.#unanswered = unanswered;
  }

  /** Rejects with the server's refusal, with control_unreachable when it stays silent, or with cancelled. */
  async ask<K extends Request['type']>(
    request: WithoutId<Extract<Request, { type: K }>>,
    signal: AbortSignal,
    queued: ((place: QueuePosition) => void) | null = null,
  ): Promise<AnswerTo<K>> {
    const requestId = this.#nextId++;
    const answer = new Promise<Answer>((resolve, reject) => {
      const expects = ANSWERS[request.type as K];
      this.#pending.set(requestId, { expects, queued, resolve, reject, stopTimer: () => {} });
    });
    this.#expectWord(requestId, ANSWER_TIMEOUT_MS);
    this.#send({ ...request, requestId });
    try {
      return (await untilAborted(answer, signal)) as AnswerTo<K>;
    } catch (thrown) {
      if (signal.aborted) this.#withdraw(requestId);
      throw thrown;
    } finally {
      this.#pending.get(requestId)?.stopTimer();
      this.#pending.delete(requestId);
    }
  }

  /** Drops an answer that nobody waits for, or of another kind than was asked for. */
  answered(answer: Answer): void {
    const pending = this.#pending.get(answer.requestId);
    if (pending?.expects === answer.type) pending.resolve(answer);
  }

  /** The answer takes as long as the queue does. */
  queued({ requestId, position, estimateMs, behindPayers }: Queued): void {
    const pending = this.#pending.get(requestId);
    if (pending?.expects !== 'matched') return;
    this.#expectWord(requestId, QUEUED_TIMEOUT_MS);
    pending.queued?.({ position, estimateMs, ...(behindPayers === true && { behindPayers }) });
  }

  refused(requestId: number, error: MeshError): void {
    this.#pending.get(requestId)?.reject(error);
  }

  /** Ends all requests, as the connection is gone. */
  lost(): void {
    for (const { reject } of this.#pending.values()) reject(unreachable());
  }

  #expectWord(requestId: number, withinMs: number): void {
    const pending = this.#pending.get(requestId);
    if (pending === undefined) return;
    pending.stopTimer();
    const sinceMs = this.#clock.now();
    pending.stopTimer = this.#clock.after(withinMs, () => {
      this.#withdraw(requestId);
      pending.reject(unreachable());
      this.#unanswered(sinceMs);
    });
  }

  /** Gives up a position in the queue: it would hold up others. */
  #withdraw(requestId: number): void {
    if (this.#pending.get(requestId)?.expects === 'matched') this.#send({ type: 'withdraw', requestId });
  }
}

export function unreachable(): MeshError {
  return new MeshError(
    'control_unreachable',
    'The mesh cannot be reached. Check your connection; LLMesh keeps trying.',
  );
}
