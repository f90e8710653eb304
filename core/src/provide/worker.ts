/** How a provider works through the tasks that it took on: slots, a short queue, and an end for every task. */
import { Admission } from './admission.ts';
import type { Channel } from '../peers/channel.ts';
import type { Clock } from '../base/clock.ts';
import type { Deliveries } from './deliveries.ts';
import { asMeshError, MeshError, type ErrorCode } from '../base/errors.ts';
import type { HarmfulInputs } from './harmful-inputs.ts';
import type { TaskId } from '../base/ids.ts';
import type { TaskRequest } from '../protocol.ts';
import { TypicalSpeed } from '../engine/speed.ts';
import { TaskQueue, isBackground, mayStart } from './task-queue.ts';
import { runTask } from './task-run.ts';
import { isBreak } from '../policy/error-meaning.ts';
import { sendAccepted, type ServedModel, type Task } from './task.ts';
import type { TaskKinds } from '../tasks/task-kinds.ts';
import type { AnswerGiven, WorkerStatus } from './worker-status.ts';

/** How often the status is reported while answers are written, and hangs are looked for. */
const STATUS_MS = 500;

export interface TaskWorkerOptions {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  deliveries: Deliveries;
  /** May a request without a lease be accepted? Only while there is no control plane to sign one. */
  withoutLease: () => boolean;
  models: readonly ServedModel[];
  kinds: TaskKinds;
  /** Outlives the worker, which ends when an engine hangs. Left out: none are remembered. */
  harmful?: HarmfulInputs;
  /** The owner's own limit for each answer, so that sharing stays unnoticed; null: as fast as possible. */
  maxTokensPerSecond: number | null;
  /** The owner's own limit for the time in which an engine works, above 0 to 1: after each piece it rests in proportion. */
  maxShare: number;
  /** Called when a slot or the queue changes, and twice a second while answers are written. */
  onStatus: (status: WorkerStatus) => void;
  /** An answer ended, however it did; audits are none. Left out: nobody minds. */
  onAnswer?: (given: AnswerGiven) => void;
  /** A task failed, and not because its requester stopped it. For the log: contains no prompt. */
  onFailure: (error: MeshError) => void;
  /** The engine stopped responding: all tasks were given back, and none are taken until there is another worker. */
  onHang: (error: MeshError) => void;
}

export class TaskWorker {
  #options: TaskWorkerOptions;
  readonly #queue = new TaskQueue();
  readonly #admission: Admission;
  #running = new Set<Task>();
  #runs = new Set<Promise<void>>();
  #answers = 0;
  #audits = 0;
  #tokens = 0;
  #typical = new TypicalSpeed();
  #stopStatus: (() => void) | null = null;
  #stopped = false;
  #hung = false;

  constructor(options: TaskWorkerOptions) {
    this.#options = options;
    this.#admission = new Admission({
      ...options,
      here: () => this.#tasks(),
      queued: (model, background) => this.#queue.lengthFor(model, background),
      slots: this.#slots,
      fail: (task, error) => this.#fail(task, error),
      letGo: (task) => this.#letGo(task),
    });
  }

  get status(): WorkerStatus {
    const nowMs = this.#options.clock.now();
    const answering = [...this.#running].filter((task) => !isBackground(task));
    const serving = answering.map((task) => ({
      peer: task.channel.peer,
      model: task.model.advert.id,
      tokens: task.meter.tokens,
      tokensPerSecond: task.meter.recent(nowMs),
    }));
    return {
      slots: this.#slots,
      busySlots: answering.length,
      queued: this.#queue.length,
      answers: this.#answers,
      audits: this.#audits,
      auditing: answering.length < this.#running.size,
      tokens: this.#tokens,
      tokensPerSecond: serving.reduce((sum, one) => sum + one.tokensPerSecond, 0),
      typicalTokensPerSecond: this.#typical.tokensPerSecond,
      serving,
    };
  }

  /** The slots of all models together. */
  get #slots(): number {
    return this.#options.models.reduce((sum, model) => sum + model.slots, 0);
  }

  /** Takes a stranger's request. Each is answered: with TASK_ACCEPTED or TASK_ERROR. */
  request(channel: Channel, request: TaskRequest): void {
    const accepted = this.#stopped ? stoppedLending() : this.#admission.admit(channel, request);
    if (accepted instanceof MeshError) {
      sendError(channel, request.taskId, accepted);
      return;
    }
    this.#queue.join(accepted);
    void this.#take(accepted);
    this.#startNext();
    this.#queue.tellPosition(accepted);
    this.#announce();
  }

  /** Only the peer that asked can withdraw its question. */
  cancel(channel: Channel, id: TaskId): void {
    const task = this.#find(channel, id);
    if (task !== undefined) this.#drop(task);
  }

  /** Nobody is left to read these answers. */
  channelClosed(channel: Channel): void {
    for (const task of this.#tasks()) {
      if (task.channel === channel) this.#drop(task);
    }
  }

  /** Takes no more tasks, tells the requesters, and resolves when the engine is at rest. Idempotent. */
  async stop(): Promise<void> {
    await this.#end(this.#tasks());
  }

  /** Takes no more tasks, and tells the requesters that wait; resolves when what was begun is written to its end. Idempotent. */
  async finish(): Promise<void> {
    await this.#end([...this.#queue]);
  }

  async #end(unwanted: readonly Task[]): Promise<void> {
    this.#stopped = true;
    for (const task of unwanted) this.#fail(task, stoppedLending());
    await Promise.all(this.#runs);
    this.#stopStatus?.();
    this.#stopStatus = null;
  }

  /** Gets the adapter that the requester brings, while the task waits in the queue and takes no slot. Never rejects. */
  async #take(task: Task): Promise<void> {
    const { brought, model, channel, abort } = task;
    if (brought === null || model.takeAdapter === undefined) return;
    task.coming = true;
    try {
      await model.takeAdapter(brought, channel, abort.signal);
    } catch (thrown) {
      const error = asMeshError(thrown, 'unsupported', 'This volunteer could not get that adapter. Ask another.');
      if (!abort.signal.aborted) this.#fail(task, error);
    }
    task.coming = false;
    if (abort.signal.aborted || this.#stopped) return;
    this.#startNext();
    this.#queue.tellPositions();
    this.#announce();
  }

  #startNext(): void {
    const next = () => this.#queue.takeNext((task, waiting) => mayStart(task, [...this.#running], waiting));
    for (let task = next(); task !== null; task = next()) this.#start(task);
  }

  #start(task: Task): void {
    this.#running.add(task);
    task.watch.asked(this.#options.clock.now(), task.kind.bytesToRead(task.input, 0));
    sendAccepted(task, 0);
    const run = this.#run(task).finally(() => this.#runs.delete(run));
    this.#runs.add(run);
  }

  /** Never rejects. */
  async #run(task: Task): Promise<void> {
    const { clock, onAnswer } = this.#options;
    const startMs = clock.now();
    const outcome = await runTask(task, {
      ...this.#options,
      wrote: (tokens) => {
        if (!isBackground(task)) this.#tokens += tokens;
      },
      refuse: (error) => this.#fail(task, error),
    });
    if (outcome === 'finished' && isBackground(task)) this.#audits += 1;
    else if (outcome === 'finished') {
      this.#answers += 1;
      this.#typical.add(task.meter.overall());
    } else if (outcome instanceof MeshError) {
      sendError(task.channel, task.id, outcome);
      if (!ASKERS_OWN.has(outcome.code)) this.#options.onFailure(outcome);
      const risk = isBreak(outcome) ? this.#onlyRisk : undefined;
      if (risk !== undefined && risk === task.risk) this.#options.harmful?.failed(risk);
    }
    this.#running.delete(task);
    this.#letGo(task);
    if (!isBackground(task)) {
      onAnswer?.({
        peer: task.channel.peer,
        model: task.model.advert.id,
        tokens: task.meter.tokens,
        ms: clock.now() - startMs,
        ended: outcome === 'finished' ? 'whole' : outcome instanceof MeshError ? 'failed' : 'stopped',
      });
    }
    if (!this.#stopped) {
      this.#startNext();
      this.#queue.tellPositions();
    }
    this.#announce();
  }

  /** An engine that hangs takes all its tasks down with it; its owner has to start it again. */
  #lookForHangs(): void {
    const nowMs = this.#options.clock.now();
    // What waits for answers inside the engine has not hung.
    const hung = [...this.#running].find((task) => !isBackground(task) && task.watch.hung(nowMs));
    if (hung === undefined || this.#hung) return;
    const risk = this.#onlyRisk;
    if (risk !== undefined && risk === hung.risk) this.#options.harmful?.hung(risk);
    this.#hung = true;
    this.#stopped = true;
    const error = new MeshError('engine_failed', 'The model stopped answering on this computer.');
    for (const task of this.#tasks()) {
      if (!task.abort.signal.aborted) this.#fail(task, error);
      task.abandon.abort();
    }
    this.#options.onHang(error);
  }

  #fail(task: Task, error: MeshError): void {
    sendError(task.channel, task.id, error);
    this.#drop(task);
  }

  #letGo(task: Task): void {
    task.release();
    if (task.leased !== null) this.#options.deliveries.end(task.leased);
  }

  /** Stops a task without telling its requester. A running one leaves `#running` when its engine has stopped. */
  #drop(task: Task): void {
    task.abort.abort();
    if (!this.#queue.leave(task)) {
      task.watch.stopping(this.#options.clock.now());
      return;
    }
    this.#letGo(task);
    this.#queue.tellPositions();
    this.#announce();
  }

  /** The risk of the only running task that has one; undefined: none or several have. */
  get #onlyRisk(): string | undefined {
    const [only, ...others] = [...this.#running].flatMap(({ risk }) => risk ?? []);
    return others.length === 0 ? only : undefined;
  }

  #find(channel: Channel, id: TaskId): Task | undefined {
    return this.#tasks().find((task) => task.id === id && task.channel === channel);
  }

  /** All tasks that are here, waiting and running. */
  #tasks(): Task[] {
    return [...this.#queue, ...this.#running];
  }

  #announce(): void {
    this.#options.onStatus(this.status);
    if (this.#running.size === 0 || this.#stopStatus !== null) return;
    this.#stopStatus = this.#options.clock.after(STATUS_MS, () => {
      this.#stopStatus = null;
      this.#lookForHangs();
      this.#announce();
    });
  }
}

/** Failures that say nothing about the provider. */
const ASKERS_OWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'prompt_too_long',
  'empty_prompt',
  'bad_schema',
  'too_few_tokens',
  'cancelled',
]);

function stoppedLending(): MeshError {
  return new MeshError('provider_stopped', 'The volunteer stopped lending.');
}

function sendError(channel: Channel, taskId: TaskId, error: MeshError): void {
  channel.send({ kind: 'TASK_ERROR', taskId, code: error.code, message: error.message.slice(0, 1024) });
}
