/** What a provider accepts and how it works it off: slots, a short queue, and an end for every task. */
import { isAble, unable } from '../policy/abilities.ts';
import { offerKey, type OfferKey } from '../policy/offer-key.ts';
import type { Channel } from '../peers/channel.ts';
import type { Clock } from '../base/clock.ts';
import type { Deliveries } from './deliveries.ts';
import { EngineWatch } from '../engine/engine-watch.ts';
import { asMeshError, MeshError, type ErrorCode } from '../base/errors.ts';
import type { HarmfulInputs } from './harmful-inputs.ts';
import type { ModelId, PeerId, TaskId } from '../base/ids.ts';
import type { TaskRequest } from '../protocol.ts';
import { SpeedMeter, TypicalSpeed } from '../engine/speed.ts';
import { TaskQueue, mayStart } from './task-queue.ts';
import { runTask } from './task-run.ts';
import { TokenBucket, type Rate } from '../base/token-bucket.ts';
import { isBreak } from '../policy/error-meaning.ts';
import type { ServedModel, Task } from './task.ts';
import type { TaskKinds } from '../tasks/task-kinds.ts';
import { readBody } from '../wire/body.ts';

/** Tasks that one peer may have here at once; where there are more slots, as many as these: a gateway is one peer. */
const MAX_TASKS_PER_PEER = 8;
/** Waiting tasks for each slot; past that the requester is better off elsewhere. */
const QUEUE_PER_SLOT = 4;
const STATUS_MS = 500;
/** Leaseless tasks of one peer at once; all peers together get half the slots, so that most work comes with a lease. */
const MAX_LEASELESS_PER_PEER = 2;
/** Refused inputs of one link that could do harm: to read a schema to its fault takes some milliseconds. */
const REFUSED_INPUTS: Rate = { perSecond: 1, burst: 16 };

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
  /** The speed of one answer, over the last ones; null until something was measured. */
  typicalTokensPerSecond: number | null;
  serving: Serving[];
}

export interface TaskWorkerOptions {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  deliveries: Deliveries;
  /** May a request without a lease be taken? While there is no control plane to give one. */
  withoutLease: () => boolean;
  models: readonly ServedModel[];
  kinds: TaskKinds;
  /** Outlives the worker, which an engine that hangs ends. Left out: none are remembered. */
  harmful?: HarmfulInputs;
  /** The owner's own limit for each answer, so that lending stays unnoticed; null: as fast as it goes. */
  maxTokensPerSecond: number | null;
  /** Called when a slot or the queue changes, and twice a second while answers are written. */
  onStatus: (status: WorkerStatus) => void;
  /** A task ended badly through no wish of its requester. For the log: no prompt in it. */
  onFailure: (error: MeshError) => void;
  /** The engine does not answer any more: all tasks were given back, and nothing is taken until there is another worker. */
  onHang: (error: MeshError) => void;
}

export class TaskWorker {
  #options: TaskWorkerOptions;
  #models = new Map<OfferKey, ServedModel>();
  readonly #queue = new TaskQueue();
  readonly #refusedInputs = new WeakMap<Channel, TokenBucket>();
  #running = new Set<Task>();
  #runs = new Set<Promise<void>>();
  #answers = 0;
  #tokens = 0;
  #typical = new TypicalSpeed();
  #stopStatus: (() => void) | null = null;
  #stopped = false;
  #hung = false;

  constructor(options: TaskWorkerOptions) {
    this.#options = options;
    for (const model of options.models) {
      const { task, id } = model.advert;
      this.#models.set(offerKey({ task, model: id }), model);
    }
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
      slots: this.#slots,
      busySlots: this.#running.size,
      queued: this.#queue.length,
      answers: this.#answers,
      tokens: this.#tokens,
      tokensPerSecond: serving.reduce((sum, one) => sum + one.tokensPerSecond, 0),
      typicalTokensPerSecond: this.#typical.tokensPerSecond,
      serving,
    };
  }

  /** The slots of all models together. */
  get #slots(): number {
    return [...this.#models.values()].reduce((sum, model) => sum + model.slots, 0);
  }

  /** A stranger asks. Every request is answered: with TASK_ACCEPTED or TASK_ERROR. */
  request(channel: Channel, request: TaskRequest): void {
    const accepted = this.#admit(channel, request);
    if (accepted instanceof MeshError) {
      sendError(channel, request.taskId, accepted);
      return;
    }
    this.#queue.join(accepted);
    this.#startNext();
    this.#queue.tellPosition(accepted);
    this.#announce();
  }

  /** Only the peer that asked can take its question back. */
  cancel(channel: Channel, id: TaskId): void {
    const task = this.#find(channel, id);
    if (task !== undefined) this.#drop(task);
  }

  /** Nobody is there any more to read these answers. */
  channelClosed(channel: Channel): void {
    for (const task of this.#tasks()) {
      if (task.channel === channel) this.#drop(task);
    }
  }

  /** Takes no more, tells the requesters, and resolves when the engine is at rest. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const gone = new MeshError('provider_stopped', 'The volunteer stopped lending.');
    for (const task of this.#tasks()) this.#fail(task, gone);
    await Promise.all(this.#runs);
    this.#stopStatus?.();
    this.#stopStatus = null;
  }

  #admit(channel: Channel, request: TaskRequest): Task | MeshError {
    if (this.#stopped) return new MeshError('provider_stopped', 'The volunteer stopped lending.');
    const kind = this.#options.kinds.find(request.task);
    if (kind === null) {
      return new MeshError('unsupported', `This volunteer does not know tasks of the kind "${request.task}".`);
    }
    const terms = { task: kind.offeredAs, model: request.model };
    const model = this.#models.get(offerKey(terms));
    if (model === undefined) return this.#isOffered(request.model) ? unable(terms) : unknownModel();
    if (request.file !== model.advert.sha256) return unknownModel();
    const input = readBody(kind.input, request.input);
    if (input === null) {
      return new MeshError('bad_message', 'This question cannot be read. Update LLMesh on the computer that asks.');
    }
    const fault = kind.fault(input);
    if (fault !== null) return fault;
    if (this.#find(channel, request.taskId) !== undefined) {
      return new MeshError('bad_message', 'That task is already running.');
    }
    const all = this.#tasks();
    const mine = all.filter((task) => task.channel.peer === channel.peer);
    const most = Math.max(MAX_TASKS_PER_PEER, this.#slots);
    if (mine.length >= most || this.#queue.lengthFor(model) >= QUEUE_PER_SLOT * model.slots) {
      return new MeshError('busy', 'This volunteer has no room for another question right now.');
    }
    const needs = { task: kind.offeredAs, ...kind.needs(input) };
    if (!isAble(model.advert, needs)) return unable(needs);
    const task: Task = {
      id: request.taskId,
      channel,
      request,
      model,
      kind,
      input,
      prepared: null,
      risk: kind.risk(input),
      adapter: needs.adapter ?? null,
      leased: null,
      abort: new AbortController(),
      abandon: new AbortController(),
      release: channel.hold(true),
      meter: new SpeedMeter(),
      watch: new EngineWatch(),
    };
    // What costs more than a look comes behind the lease, which nobody gets without end.
    const refused = this.#leaseFor(task) ?? this.#prepare(task);
    if (refused === null) return task;
    this.#letGo(task);
    return refused;
  }

  #isOffered(id: ModelId): boolean {
    return [...this.#models.values()].some(({ advert }) => advert.id === id);
  }

  /** Null: the task may run, and what it may run by is used up. */
  #leaseFor(task: Task): MeshError | null {
    const { channel, request, model, kind, input } = task;
    if (request.lease === null && this.#options.withoutLease()) {
      const leaseless = this.#tasks().filter((other) => other.leased === null && other.model === model);
      const own = leaseless.filter((other) => other.channel.peer === channel.peer);
      if (leaseless.length < Math.max(1, Math.floor(model.slots / 2)) && own.length < MAX_LEASELESS_PER_PEER)
        return null;
      return new MeshError(
        'busy',
        "While the mesh's server is away, this volunteer takes only a few questions at a time.",
      );
    }
    try {
      const terms = { task: kind.offeredAs, complexity: kind.complexity(input) };
      task.leased = this.#options.deliveries.begin(channel, request, terms, (error) => this.#fail(task, error));
      return null;
    } catch (thrown) {
      return asMeshError(thrown, 'lease_refused', 'This lease is not valid. Ask again.');
    }
  }

  /** A peer that sends one input after the other that could do harm and is refused has to wait for the next to be read. */
  #prepare(task: Task): MeshError | null {
    const { kind, input, risk, channel } = task;
    if (risk !== null && this.#options.harmful?.isRefused(risk) === true) {
      return new MeshError(
        'bad_schema',
        "This JSON schema crashed the volunteer's engine a while ago. Make it simpler.",
      );
    }
    const refusals = this.#refusedInputs.get(channel) ?? new TokenBucket(this.#options.clock, REFUSED_INPUTS);
    if (risk !== null) {
      this.#refusedInputs.set(channel, refusals);
      if (refusals.level < 1) {
        return new MeshError('rate_limited', 'Too many JSON schemas in a row could not be used. Wait a few seconds.');
      }
    }
    const prepared = kind.prepare(input);
    if (prepared instanceof MeshError) {
      refusals.take(1);
      return prepared;
    }
    task.prepared = prepared;
    return null;
  }

  #startNext(): void {
    const next = () => this.#queue.takeNext((task, before) => mayStart(task, [...this.#running], before));
    for (let task = next(); task !== null; task = next()) this.#start(task);
  }

  #start(task: Task): void {
    this.#running.add(task);
    task.watch.asked(this.#options.clock.now(), task.kind.bytesToRead(task.input, 0));
    task.channel.send({ kind: 'TASK_ACCEPTED', taskId: task.id, ahead: 0 });
    const run = this.#run(task).finally(() => this.#runs.delete(run));
    this.#runs.add(run);
  }

  /** Never rejects. */
  async #run(task: Task): Promise<void> {
    const outcome = await runTask(task, {
      ...this.#options,
      wrote: (tokens) => (this.#tokens += tokens),
      refuse: (error) => this.#fail(task, error),
    });
    if (outcome === 'finished') {
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
    if (!this.#stopped) {
      this.#startNext();
      this.#queue.tellPositions();
    }
    this.#announce();
  }

  /** An engine that hangs takes everything with it that was asked of it; its owner has to start it anew. */
  #lookForHangs(): void {
    const nowMs = this.#options.clock.now();
    const hung = [...this.#running].find((task) => task.watch.hung(nowMs));
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

  /** Stops a task without a word to its requester. A running one leaves `#running` when its engine has stopped. */
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

  /** Of the one task at work that an engine may break over; undefined: there are others, or none. */
  get #onlyRisk(): string | undefined {
    const [only, ...others] = [...this.#running].flatMap(({ risk }) => risk ?? []);
    return others.length === 0 ? only : undefined;
  }

  #find(channel: Channel, id: TaskId): Task | undefined {
    return this.#tasks().find((task) => task.id === id && task.channel === channel);
  }

  /** All that are here, waiting and running. */
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
  'cancelled',
]);

function unknownModel(): MeshError {
  return new MeshError('unknown_model', 'This volunteer does not lend that model any more.');
}

function sendError(channel: Channel, taskId: TaskId, error: MeshError): void {
  channel.send({ kind: 'TASK_ERROR', taskId, code: error.code, message: error.message.slice(0, 1024) });
}
