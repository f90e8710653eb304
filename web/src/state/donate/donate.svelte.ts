/** Lending this computer: the switch, what is chosen beside it, and what lending has come to. */
import type { Probe } from '@llmesh/core/policy/catalogue';
import type { MeshError } from '@llmesh/core/base/errors';
import { lifeOf, type LifeFacts, type LifeState } from '@llmesh/core/control/node-life';
import type { WorkerStatus } from '@llmesh/core/provide/worker-status';
import { AuditChoice } from './audit-choice.svelte.ts';
import { DonateTotals } from './donate-totals.svelte.ts';
import type { Pace } from '../device/download-pace.ts';
import { AnswersGiven } from './answers-given.svelte.ts';
import type { EngineHolder } from '../device/engine-holder.svelte.ts';
import { Lending, type LendingPhase, type LendingWorld, type Lent, type Mended } from './lending.svelte.ts';
import type { ReadyProgress } from '../device/model-trial.ts';
import { LendingHolds } from './lending-holds.ts';
import { PeopleServed } from './people-served.svelte.ts';
import { Tempo } from './tempo.svelte.ts';
import { Standings } from './standings.svelte.ts';
import type { Sharing } from './sharing/sharing.svelte.ts';
import { SpeedLimit } from './speed-limit.svelte.ts';
import type { Store } from '../store.ts';
import type { ThisDevice } from '../device/this-device.svelte.ts';

/** error: off, and `error` says why */
export type DonatePhase = 'off' | 'error' | LendingPhase;

export interface DonateNeeds extends LendingWorld {
  device: ThisDevice;
  holder: EngineHolder;
  store: Store;
  connection: () => Pick<LifeFacts, 'control' | 'wasConnected' | 'voting'>;
  /** Lends the files of the model that is lent, too. */
  sharing: Sharing;
}

export class DonateState {
  readonly device: ThisDevice;
  /** Shared with the questions that this device answers for its own person. */
  readonly holder: EngineHolder;
  readonly totals: DonateTotals;
  readonly tempo: Tempo;
  readonly given: AnswersGiven;
  readonly speedLimit: SpeedLimit;
  readonly audits: AuditChoice;
  readonly sharing: Sharing;
  readonly standings = new Standings();
  readonly people = new PeopleServed();
  readonly #needs: DonateNeeds;
  readonly #holds = new LendingHolds();
  #lending = $state.raw<Lending | null>(null);
  #error = $state.raw<MeshError | null>(null);
  #ended: Promise<void> = Promise.resolve();

  constructor(needs: DonateNeeds) {
    this.#needs = needs;
    this.device = needs.device;
    this.holder = needs.holder;
    this.totals = new DonateTotals(needs);
    this.given = new AnswersGiven(needs);
    this.tempo = new Tempo(needs.clock);
    this.speedLimit = new SpeedLimit(needs);
    this.audits = new AuditChoice(needs);
    this.sharing = needs.sharing;
  }

  get phase(): DonatePhase {
    return this.#lending?.phase ?? (this.#error === null ? 'off' : 'error');
  }

  /** The switch is on, whether or not the model is ready. */
  get on(): boolean {
    return this.#lending !== null && this.#lending.phase !== 'stopping';
  }

  /** The status of this computer as a node of the mesh. */
  get life(): LifeState {
    const { busySlots = 0, auditing = false } = this.status ?? {};
    return lifeOf({ ...this.#needs.connection(), ready: this.donating, busySlots, auditing });
  }

  /** The last trouble since lending began; null: none. */
  get mended(): Mended | null {
    return this.#lending?.mended ?? null;
  }

  /** Whether others can be answered now. */
  get donating(): boolean {
    return this.phase === 'waiting' || this.phase === 'serving';
  }

  /** Nothing new is taken, and lending stops when the answers that were begun are written. */
  get finishing(): boolean {
    return this.#lending?.finishing ?? false;
  }

  /** Why lending ended or never began; null in every phase but `error`. */
  get error(): MeshError | null {
    return this.#error;
  }

  get probe(): Probe | null {
    return this.device.probe;
  }

  /** The model that is lent or made ready. */
  get lent(): Lent | null {
    return this.#lending?.lent ?? null;
  }

  /** The pace of the running download. */
  get pace(): Pace | null {
    return this.#lending?.pace ?? null;
  }

  /** How far the model is on its way to its first answer; null: it is not on its way. */
  get waking(): ReadyProgress | null {
    return this.#lending?.waking ?? null;
  }

  get status(): WorkerStatus | null {
    return this.#lending?.status ?? null;
  }

  async restore(): Promise<void> {
    await Promise.all([this.totals.restore(), this.speedLimit.restore(), this.audits.restore()]);
  }

  /** Resolves when lending has ended, whoever ended it. Never rejects: `error` says what went wrong. */
  async start(): Promise<void> {
    if (this.#lending !== null) return;
    const { device, holder, totals, given, tempo, speedLimit, audits, people } = this;
    this.#error = null;
    const own = { device, holder, totals, given, tempo, speedLimit, audits, people, holds: this.#holds };
    const lending = new Lending({ ...this.#needs, ...own });
    this.#lending = lending;
    this.#ended = this.#end(lending);
    await this.#ended;
  }

  /** Tells those who are served, and resolves when nothing runs any more. Idempotent. */
  async stop(): Promise<void> {
    if (this.#lending === null) return;
    this.#lending.stop();
    await this.#ended;
  }

  /** Takes nothing new, and stops when what was begun is written. */
  async finish(): Promise<void> {
    await this.#lending?.finish();
    await this.#ended;
  }

  /** The browser puts this page to sleep: withdraws the offer. Resolves when the people being served were told. */
  async suspend(): Promise<void> {
    await this.#holds.begin('asleep');
  }

  /** The page is awake again: offers again what it offered before. */
  wake(): void {
    this.#holds.end('asleep');
  }

  /** Its owner wants it to rest, or no longer: the offer is withdrawn meanwhile, and the model stays in memory. */
  rest(resting: boolean): void {
    if (resting) void this.#holds.begin('rest');
    else this.#holds.end('rest');
  }

  async #end(lending: Lending): Promise<void> {
    const failure = await lending.ended;
    if (failure !== null) this.#needs.failed(failure);
    this.#error = failure;
    this.#lending = null;
    await this.device.look();
  }
}
