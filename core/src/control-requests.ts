/** What was asked of the control plane and is still to be answered: each request has a number, and ends in time. */
import { untilAborted } from './abort.ts';
import type { Clock } from './clock.ts';
import type { FromServer, ToServer } from './control-protocol.ts';
import { MeshError } from './errors.ts';

const ANSWER_TIMEOUT_MS = 5_000;

type Request = Extract<ToServer, { requestId: number }>;
type WithoutId<T> = T extends unknown ? Omit<T, 'requestId'> : never;
/** What answers what. */
interface Answers {
  match: 'matched';
  file: 'filed';
  relay: 'relayed';
}
type AnswerTo<K extends Request['type']> = Extract<FromServer, { type: Answers[K] }>;
type Answer = AnswerTo<Request['type']>;
const ANSWERS: Readonly<Answers> = { match: 'matched', file: 'filed', relay: 'relayed' };

interface Pending {
  expects: Answer['type'];
  resolve: (answer: Answer) => void;
  reject: (error: MeshError) => void;
}

export class ControlRequests {
  #clock: Clock;
  #send: (message: ToServer) => void;
  #nextId = 1;
  #pending = new Map<number, Pending>();

  constructor(clock: Clock, send: (message: ToServer) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Rejects with what the server refused it for, with control_unreachable when it says nothing, or with cancelled. */
  async ask<K extends Request['type']>(
    request: WithoutId<Extract<Request, { type: K }>>,
    signal: AbortSignal,
  ): Promise<AnswerTo<K>> {
    const requestId = this.#nextId++;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#pending.set(requestId, { expects: ANSWERS[request.type as K], resolve, reject });
    });
    const stopTimer = this.#clock.after(ANSWER_TIMEOUT_MS, () => this.#pending.get(requestId)?.reject(unreachable()));
    this.#send({ ...request, requestId });
    try {
      return (await untilAborted(answer, signal)) as AnswerTo<K>;
    } finally {
      stopTimer();
      this.#pending.delete(requestId);
    }
  }

  /** An answer that nobody waits for any more, or of another kind than was asked for, is dropped. */
  answered(answer: Answer): void {
    const pending = this.#pending.get(answer.requestId);
    if (pending?.expects === answer.type) pending.resolve(answer);
  }

  refused(requestId: number, error: MeshError): void {
    this.#pending.get(requestId)?.reject(error);
  }

  /** The connection is gone. */
  lost(): void {
    for (const { reject } of this.#pending.values()) reject(unreachable());
  }
}

export function unreachable(): MeshError {
  return new MeshError(
    'control_unreachable',
    'The mesh cannot be reached. Check your connection; it is tried again by itself.',
  );
}
