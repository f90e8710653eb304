/** Which tasks a provider takes on: the cheap checks first, then the lease, then the expensive ones. */
import type { Channel } from '../peers/channel.ts';
import type { Clock } from '../base/clock.ts';
import { asMeshError, MeshError } from '../base/errors.ts';
import type { ModelId } from '../base/ids.ts';
import { TokenBucket, type Rate } from '../base/token-bucket.ts';
import { EngineWatch } from '../engine/engine-watch.ts';
import { SpeedMeter } from '../engine/speed.ts';
import { isAble, unable } from '../policy/abilities.ts';
import { offerKey, offerKeyOf, type OfferKey } from '../policy/offer-key.ts';
import type { TaskRequest } from '../protocol.ts';
import type { TaskKinds } from '../tasks/task-kinds.ts';
import { readBody } from '../wire/body.ts';
import type { Deliveries } from './deliveries.ts';
import type { HarmfulInputs } from './harmful-inputs.ts';
import type { ServedModel, Task } from './task.ts';
import type { BroughtAdapter } from '../tasks/task-kind.ts';

/** Tasks that one peer may have here at once; with more slots than that, one per slot: a gateway is one peer. */
const MAX_TASKS_PER_PEER = 8;
/** Waiting tasks per slot; beyond that the requester is better off elsewhere. */
const QUEUE_PER_SLOT = 4;
/** Leaseless tasks of one peer at once; all peers together get half the slots, so that most work comes with a lease. */
const MAX_LEASELESS_PER_PEER = 2;
/** Risky inputs that one link may have refused: reading a schema up to its fault takes some milliseconds. */
const REFUSED_INPUTS: Rate = { perSecond: 1, burst: 16 };

export interface AdmissionNeeds {
  clock: Clock;
  deliveries: Deliveries;
  /** See `TaskWorkerOptions`. */
  withoutLease: () => boolean;
  models: readonly ServedModel[];
  kinds: TaskKinds;
  harmful?: HarmfulInputs;
  /** The slots of all models together. */
  slots: number;
  /** All tasks that are here, waiting and running. */
  here: () => readonly Task[];
  /** The number of tasks that wait for this model: in the background, or not. */
  queued: (model: ServedModel, background: boolean) => number;
  /** The task has to end, and its requester is told. */
  fail: (task: Task, error: MeshError) => void;
  /** It was not taken on after all. */
  letGo: (task: Task) => void;
}

export class Admission {
  readonly #needs: AdmissionNeeds;
  readonly #models = new Map<OfferKey, ServedModel>();
  readonly #refusedInputs = new WeakMap<Channel, TokenBucket>();

  constructor(needs: AdmissionNeeds) {
    this.#needs = needs;
    for (const model of needs.models) this.#models.set(offerKeyOf(model.advert), model);
  }

  /** The task, whose lease is then used up; or why it is refused. */
  admit(channel: Channel, request: TaskRequest): Task | MeshError {
    const kind = this.#needs.kinds.find(request.task);
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
    const all = this.#needs.here();
    if (all.some((task) => task.id === request.taskId && task.channel === channel)) {
      return new MeshError('bad_message', 'That task is already running.');
    }
    const mine = all.filter((task) => task.channel.peer === channel.peer);
    const most = Math.max(MAX_TASKS_PER_PEER, this.#needs.slots);
    const background = kind.background === true;
    if (mine.length >= most || this.#needs.queued(model, background) >= QUEUE_PER_SLOT * model.slots) {
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
      risk: kind.risk(input)?.of ?? null,
      adapter: needs.adapter ?? null,
      brought: missingOf(model, kind.brings?.(input) ?? null),
      coming: false,
      leased: null,
      abort: new AbortController(),
      abandon: new AbortController(),
      release: channel.hold(true),
      meter: new SpeedMeter(),
      watch: new EngineWatch(),
    };
    // The expensive checks come after the lease: nobody gets those without end.
    const refused = this.#leaseFor(task) ?? this.#prepare(task);
    if (refused === null) return task;
    this.#needs.letGo(task);
    return refused;
  }

  #isOffered(id: ModelId): boolean {
    return [...this.#models.values()].some(({ advert }) => advert.id === id);
  }

  /** Null: the task may run, and its lease, if it has one, is used up. */
  #leaseFor(task: Task): MeshError | null {
    const { channel, request, model, kind, input } = task;
    if (request.lease === null && this.#needs.withoutLease()) {
      const leaseless = this.#needs.here().filter((other) => other.leased === null && other.model === model);
      const own = leaseless.filter((other) => other.channel.peer === channel.peer);
      if (leaseless.length < Math.max(1, Math.floor(model.slots / 2)) && own.length < MAX_LEASELESS_PER_PEER)
        return null;
      return new MeshError(
        'busy',
        "While the mesh's server is away, this volunteer takes only a few questions at a time.",
      );
    }
    try {
      const drawn = kind.drawn === true && model.advert.replayable === 'seed';
      const terms = { task: kind.offeredAs, complexity: kind.complexity(input), drawn };
      task.leased = this.#needs.deliveries.begin(channel, request, terms, (error) => this.#needs.fail(task, error));
      return null;
    } catch (thrown) {
      return asMeshError(thrown, 'lease_refused', 'This lease is not valid. Ask again.');
    }
  }

  /** A peer whose risky inputs are refused one after another has to wait before we read the next. */
  #prepare(task: Task): MeshError | null {
    const { kind, input, risk, channel } = task;
    if (risk !== null && this.#needs.harmful?.isRefused(risk) === true) return kind.risk(input)?.refusal() ?? null;
    const refusals = this.#refusedInputs.get(channel) ?? new TokenBucket(this.#needs.clock, REFUSED_INPUTS);
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
}

/** The adapter that has to come from the requester first; null: none. */
function missingOf({ advert, takeAdapter }: ServedModel, brought: BroughtAdapter | null): BroughtAdapter | null {
  const isHere = advert.adapters?.some(({ sha256 }) => sha256 === brought?.sha256) === true;
  return isHere || takeAdapter === undefined ? null : brought;
}

function unknownModel(): MeshError {
  return new MeshError('unknown_model', 'This volunteer does not lend that model any more.');
}
