/** What a provider accepts and how it works it off: slots, a short queue, and an end for every task. */
import { onAbort } from './abort.ts';
import type { Channel } from './channel.ts';
import type { Clock } from './clock.ts';
import type { Engine } from './engine.ts';
import { asMeshError, MeshError, type ErrorCode } from './errors.ts';
import type { ModelId, PeerId, TaskId } from './ids.ts';
import { isBlank, promptBytes } from './prompt.ts';
import { MAX_PROMPT_BYTES, type ModelAdvert, type TaskRequest } from './protocol.ts';
import { SpeedMeter } from './speed.ts';

/** Tasks that one peer may have here at once. */
const MAX_TASKS_PER_PEER = 8;
/** Waiting tasks for each slot; past that the requester is better off elsewhere. */
const QUEUE_PER_SLOT = 4;
const STATUS_MS = 500;

export interface ServedModel {
  advert: ModelAdvert;
  engine: Pick<Engine<never>, 'generate'>;
  slots: number;
}

export interface Serving {
  peer: PeerId;
  model: ModelId;
  tokens: number;
  tokensPerSecond: number;
}

/** What the provider does now, and has done since it began. */
export interface WorkerStatus {
  slots: number;
  busySlots: number;
  queued: number;
  /** Answers finished. */
  answers: number;
  tokens: number;
  /** All running answers together, now. */
  tokensPerSecond: number;
  /** Of one answer, over the last ones; null until something was measured. */
  typicalTokensPerSecond: number | null;
  serving: Serving[];
}

export interface TaskWorkerOptions {
  clock: Clock;
  models: readonly ServedModel[];
  /** The owner's own limit for each answer, so that lending stays unnoticed; null: as fast as it goes. */
  maxTokensPerSecond: number | null;
  /** Called when a slot or the queue changes, and twice a second while answers are written. */
  onStatus: (status: WorkerStatus) => void;
  /** A task ended badly through no wish of its requester. For the log: no prompt in it. */
  onFailure: (error: MeshError) => void;
}

interface Task {
  id: TaskId;
  channel: Channel;
  request: TaskRequest;
  model: ServedModel;
  abort: AbortController;
  /** A requester that hears `ahead` knows that we live; kept until the task ended. */
  release: () => void;
  meter: SpeedMeter;
}

export class TaskWorker {
  #options: TaskWorkerOptions;
  #models = new Map<ModelId, ServedModel>();
  #waiting: Task[] = [];
  #running = new Set<Task>();
  #runs = new Set<Promise<void>>();
  #answers = 0;
  #tokens = 0;
  #typical: number | null = null;
  #stopStatus: (() => void) | null = null;
  #stopped = false;

  constructor(options: TaskWorkerOptions) {
    this.#options = options;
    for (const model of options.models) this.#models.set(model.advert.id, model);
  }

  get status(): WorkerStatus {
    const nowMs = this.#options.clock.now();
    const serving = [...this.#running].map((task) => ({
      peer: task.channel.peer,
      model: task.model.advert.id,
      tokens: task.meter.tokens,
      tokensPerSecond: task.meter.recent(nowMs),
    }));
    return {
      slots: [...this.#models.values()].reduce((sum, model) => sum + model.slots, 0),
      busySlots: this.#running.size,
      queued: this.#waiting.length,
      answers: this.#answers,
      tokens: this.#tokens,
      tokensPerSecond: serving.reduce((sum, one) => sum + one.tokensPerSecond, 0),
      typicalTokensPerSecond: this.#typical,
      serving,
    };
  }

  /** A stranger asks. Every request is answered: with TASK_ACCEPTED or TASK_ERROR. */
  request(channel: Channel, request: TaskRequest): void {
    const accepted = this.#admit(channel, request);
    if (accepted instanceof MeshError) {
      sendError(channel, request.taskId, accepted);
      return;
    }
    this.#waiting.push(accepted);
    this.#startNext();
    if (this.#waiting.includes(accepted)) this.#sendAhead(accepted);
    this.#announce();
  }

  /** Only the peer that asked can take its question back. */
  cancel(channel: Channel, id: TaskId): void {
    const task = this.#find(channel, id);
    if (task !== undefined) this.#drop(task);
  }

  /** Nobody is there any more to read these answers. */
  channelClosed(channel: Channel): void {
    for (const task of [...this.#waiting, ...this.#running]) {
      if (task.channel === channel) this.#drop(task);
    }
  }

  /** Takes no more, tells the requesters, and resolves when the engine is at rest. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const gone = new MeshError('provider_stopped', 'The volunteer stopped lending.');
    for (const task of [...this.#waiting, ...this.#running]) {
      sendError(task.channel, task.id, gone);
      this.#drop(task);
    }
    await Promise.all(this.#runs);
    this.#stopStatus?.();
    this.#stopStatus = null;
  }

  #admit(channel: Channel, request: TaskRequest): Task | MeshError {
    if (this.#stopped) return new MeshError('provider_stopped', 'The volunteer stopped lending.');
    const model = this.#models.get(request.model);
    if (model === undefined) return new MeshError('unknown_model', 'This volunteer does not lend that model any more.');
    if (isBlank(request.turns)) return new MeshError('empty_prompt', 'Write a message first.');
    if (promptBytes(request.turns) > MAX_PROMPT_BYTES) {
      return new MeshError('prompt_too_long', 'This conversation is too long. Shorten it, or start a new one.');
    }
    if (this.#find(channel, request.taskId) !== undefined) {
      return new MeshError('bad_message', 'That task is already running.');
    }
    const all = [...this.#waiting, ...this.#running];
    const mine = all.filter((task) => task.channel.peer === channel.peer);
    const ahead = this.#waiting.filter((task) => task.model === model);
    if (mine.length >= MAX_TASKS_PER_PEER || ahead.length >= QUEUE_PER_SLOT * model.slots) {
      return new MeshError('busy', 'This volunteer has no room for another question right now.');
    }
    return {
      id: request.taskId,
      channel,
      request,
      model,
      abort: new AbortController(),
      release: channel.hold(true),
      meter: new SpeedMeter(),
    };
  }

  #startNext(): void {
    const inOrder = this.#waiting.slice();
    for (const task of inOrder) {
      const busy = [...this.#running].filter((other) => other.model === task.model).length;
      if (busy >= task.model.slots) continue;
      this.#waiting.splice(this.#waiting.indexOf(task), 1);
      this.#running.add(task);
      task.channel.send({ kind: 'TASK_ACCEPTED', taskId: task.id, ahead: 0 });
      const run = this.#run(task).finally(() => this.#runs.delete(run));
      this.#runs.add(run);
    }
  }

  /** Never rejects: whatever goes wrong is the task's end, told to its requester. */
  async #run(task: Task): Promise<void> {
    const { clock } = this.#options;
    const { channel, request, abort } = task;
    try {
      const pieces = task.model.engine.generate(
        { turns: request.turns, sampling: request.sampling, maxTokens: request.maxTokens },
        abort.signal,
      );
      let index = 0;
      const startMs = clock.now();
      for (let next = await pieces.next(); ; next = await pieces.next()) {
        if (next.done === true) {
          if (abort.signal.aborted) return;
          channel.send({ kind: 'TASK_RESPONSE', taskId: task.id, ...next.value });
          break;
        }
        const { text, tokens, tokenIds } = next.value;
        channel.send({ kind: 'TASK_CHUNK', taskId: task.id, index, tokens, text, ...(tokenIds && { tokenIds }) });
        index += tokens;
        this.#tokens += tokens;
        task.meter.add(tokens, clock.now());
        if (channel.congested) await channel.drain();
        if (this.#options.maxTokensPerSecond !== null) await this.#pace(startMs, index, abort.signal);
      }
      this.#answers += 1;
      this.#measure(task.meter.overall());
    } catch (thrown) {
      if (abort.signal.aborted) return;
      const error = asMeshError(thrown, 'engine_failed', 'The model stopped in the middle. Try again.');
      sendError(channel, task.id, error);
      if (!ASKERS_OWN.has(error.code)) this.#options.onFailure(error);
    } finally {
      this.#running.delete(task);
      task.release();
      if (!this.#stopped) {
        this.#startNext();
        for (const waiting of this.#waiting) this.#sendAhead(waiting);
      }
      this.#announce();
    }
  }

  /** Waits until `tokens` since `startMs` are within the owner's limit. */
  async #pace(startMs: number, tokens: number, signal: AbortSignal): Promise<void> {
    const { clock, maxTokensPerSecond } = this.#options;
    const waitMs = startMs + (tokens * 1000) / (maxTokensPerSecond ?? Infinity) - clock.now();
    if (waitMs <= 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        stopTimer();
        stopAbort();
        resolve();
      };
      const stopTimer = clock.after(waitMs, done);
      const stopAbort = onAbort(signal, done);
    });
  }

  /** Stops a task without a word to its requester. A running one leaves `#running` when its engine has stopped. */
  #drop(task: Task): void {
    task.abort.abort();
    const at = this.#waiting.indexOf(task);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    task.release();
    for (const waiting of this.#waiting) this.#sendAhead(waiting);
    this.#announce();
  }

  #find(channel: Channel, id: TaskId): Task | undefined {
    const isIt = (task: Task) => task.id === id && task.channel === channel;
    for (const task of this.#running) if (isIt(task)) return task;
    return this.#waiting.find(isIt);
  }

  #sendAhead(task: Task): void {
    const before = this.#waiting.filter((other) => other.model === task.model).indexOf(task);
    task.channel.send({ kind: 'TASK_ACCEPTED', taskId: task.id, ahead: before + 1 });
  }

  /** An exponential average: the last five answers or so. */
  #measure(tokensPerSecond: number | null): void {
    if (tokensPerSecond === null) return;
    this.#typical = this.#typical === null ? tokensPerSecond : this.#typical * 0.8 + tokensPerSecond * 0.2;
  }

  #announce(): void {
    this.#options.onStatus(this.status);
    if (this.#running.size === 0 || this.#stopStatus !== null) return;
    this.#stopStatus = this.#options.clock.after(STATUS_MS, () => {
      this.#stopStatus = null;
      this.#announce();
    });
  }
}

/** Failures that say nothing about the provider. */
const ASKERS_OWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['prompt_too_long', 'empty_prompt', 'cancelled']);

function sendError(channel: Channel, taskId: TaskId, error: MeshError): void {
  channel.send({ kind: 'TASK_ERROR', taskId, code: error.code, message: error.message.slice(0, 1024) });
}
