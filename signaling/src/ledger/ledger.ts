/**
 * The ledger of this control plane: gathers what is to be written for some milliseconds, has it projected and written in one
 * go, and tells those who wait. Deliveries that were filed are posted in the same way, each change of one exactly once.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Genesis } from '@llmesh/core/networks/genesis';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { accountOf, type Account } from '@llmesh/core/ledger/account';
import type { Micro } from '@llmesh/core/ledger/credit';
import type { EventBody, HoldId } from '@llmesh/core/ledger/event';
import { readEvidence } from '@llmesh/core/ledger/evidence';
import { accountKey } from '@llmesh/core/ledger/keys';
import type { AccountNews, CreditMode } from '@llmesh/core/wire/credit-messages';
import type { DeliveryStore } from '../receipts/delivery-store.ts';
import { Due } from './due.ts';
import type { Appended, LeafSource, LedgerPort } from './ledger-port.ts';
import type { LedgerHead, LedgerStore } from './ledger-store.ts';
import { CurrentParameters } from './current-parameters.ts';
import { History } from './history.ts';
import { Past, type PastStore } from './past/past.ts';
import { askedBy, Projector, type Asked, type Projected } from './projector.ts';
import { touchedBy } from './touched.ts';
import { LEDGER_LIMITS, Upkeep, type LedgerLimits } from './upkeep.ts';

/** A transaction takes about as long for one event as for hundreds. */
const GATHER_MS = 3;
const MAX_BATCH = 1_024;
/** Of more, the next is refused with busy. */
const MAX_WAITING = 8_192;
/** When nothing could be written, deliveries are posted no sooner than this. */
const AGAIN_MS = 1_000;

export interface LedgerOptions {
  mode: Exclude<CreditMode, 'off'>;
  /** The control plane's key: leases and orders of no other count. */
  issuer: PeerId;
  /** Of its network; left out or null: none. */
  genesis?: Genesis | null;
  /** Checks signatures of this network; left out: those of a mesh without a genesis. */
  check?: typeof nodeVerify;
  store: LedgerStore;
  deliveries: Pick<DeliveryStore, 'changes'>;
  /** Where events of long ago lie with what they did. */
  past: PastStore;
  /** What is kept besides the tiles. */
  limits?: Partial<LedgerLimits>;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  /** For the log: the store failed, or an event that should have been possible was not. */
  failed: (error: unknown) => void;
}

interface Waiting extends Asked {
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: Error) => void;
}

export class Ledger implements LedgerPort, LeafSource {
  readonly mode: LedgerOptions['mode'];
  readonly store: LedgerStore;
  readonly history: History;
  readonly #options: LedgerOptions;
  readonly #projector: Projector;
  readonly #parameters: CurrentParameters;
  readonly #due: Due;
  readonly #upkeep: Upkeep;
  readonly #onAppended = new Set<(batch: readonly Appended[]) => void>();
  readonly #onChanged = new Set<(peers: ReadonlySet<PeerId>) => void>();
  /** Allowances that are being written: whoever has just joined may ask at once, and what it asks for is written after them. */
  readonly #coming = new Map<PeerId, Micro>();
  #waiting: Waiting[] = [];
  /** Deliveries may have come that are not posted. */
  #filed = true;
  #stopTimer: (() => void) | null = null;
  #writing: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  private constructor(options: LedgerOptions, projector: Projector, parameters: CurrentParameters, due: Due) {
    this.mode = options.mode;
    this.store = options.store;
    this.#options = options;
    this.#projector = projector;
    this.#parameters = parameters;
    this.#due = due;
    this.#due.start(this);
    const { store, clock, now, failed, limits } = options;
    const past = new Past(options.past);
    this.history = new History(store, past);
    const at = () => ({ size: this.size, final: this.final });
    this.#upkeep = new Upkeep({ store, past, clock, now, failed, at, limits: { ...LEDGER_LIMITS, ...limits } });
    this.#gather();
  }

  /** Rejects with storage_full when it cannot be read, order_refused when it is another control plane's. */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const { store, issuer, clock, now, failed } = options;
    const projector = await Projector.open(store, issuer);
    const [parameters, due] = await Promise.all([
      CurrentParameters.open(store),
      Due.open({ store, clock, now, failed }),
    ]);
    const ledger = new Ledger(options, projector, parameters, due);
    // Asked for before anything else is gathered, so it is the first event.
    const { genesis = null } = options;
    if (ledger.size === 0 && genesis !== null) await ledger.append({ kind: 'genesis', record: genesis.bytes });
    return ledger;
  }

  /** The events that are written. */
  get size(): number {
    return this.head.size;
  }

  get head(): LedgerHead {
    return this.#projector.head;
  }

  /** So many events are final. */
  get final(): number {
    return this.#projector.pending.final;
  }

  append(body: EventBody): Promise<Appended> {
    if (this.#closing !== null || this.#waiting.length >= MAX_WAITING) return Promise.reject(later());
    const appended = new Promise<Appended>((resolve, reject) => {
      const evidence = (ms: number) => readEvidence({ ...body, ms }, this.#options.check ?? nodeVerify);
      this.#waiting.push({ body, evidence, resolve, reject });
      this.#gather();
    });
    return body.kind === 'allowance' ? this.#expecting(body.to, appended) : appended;
  }

  spendable(peer: PeerId): Micro {
    const final = this.#balance(accountOf('free', peer)) - this.#projector.pending.of(peer);
    return Math.max(0, final) + this.#balance(accountOf('allowance', peer)) + (this.#coming.get(peer) ?? 0);
  }

  async reserve(hold: HoldId, payer: PeerId, amount: Micro, untilS: number): Promise<boolean> {
    if (this.spendable(payer) < amount) return false;
    try {
      await this.append({ kind: 'reserve', hold, payer, amount, untilS });
      return true;
    } catch (thrown) {
      if (thrown instanceof MeshError && thrown.code === 'credits_short') return false;
      throw thrown;
    }
  }

  account(peer: PeerId): AccountNews {
    const of = (kind: Parameters<typeof accountOf>[0]) => this.#balance(accountOf(kind, peer));
    const [free, pending] = [of('free'), this.#projector.pending.of(peer)];
    return {
      ...{ type: 'account', mode: this.mode, free, pending: Math.min(free, pending) },
      ...{ allowance: of('allowance'), held: of('held'), stake: of('stake'), unbonding: of('unbonding') },
    };
  }

  parameter(name: string): number {
    return this.#parameters.value(name);
  }

  onAppended(listener: (batch: readonly Appended[]) => void): () => void {
    this.#onAppended.add(listener);
    return () => this.#onAppended.delete(listener);
  }

  onChanged(listener: (peers: ReadonlySet<PeerId>) => void): () => void {
    this.#onChanged.add(listener);
    return () => this.#onChanged.delete(listener);
  }

  leaves(from: number, to: number): Promise<Uint8Array[]> {
    return this.store.leaves(from, to);
  }

  /** The log has a final checkpoint of this size. */
  finalTo(size: number): void {
    const changed = this.#projector.pending.finalTo(Math.min(size, this.size));
    if (changed.length > 0) tell(this.#onChanged, new Set(changed));
  }

  /** Deliveries were filed. */
  delivered(): void {
    this.#filed = true;
    this.#gather();
  }

  /** Writes what waits. The store stays open. Idempotent. */
  close(): Promise<void> {
    return (this.#closing ??= this.#finish());
  }

  async #finish(): Promise<void> {
    this.#due.stop();
    this.#stopTimer?.();
    await Promise.all([this.#writing, this.#upkeep.close()]);
    while (this.#waiting.length > 0) await this.#write();
  }

  async #expecting(peer: PeerId, appended: Promise<Appended>): Promise<Appended> {
    this.#coming.set(peer, this.parameter('allowance'));
    try {
      return await appended;
    } finally {
      this.#coming.delete(peer);
    }
  }

  #balance(account: Account): Micro {
    return Number(this.#projector.state.kept(accountKey(account)) ?? 0);
  }

  #gather(ms = GATHER_MS): void {
    if (this.#writing !== null || this.#closing !== null) return;
    this.#stopTimer ??= this.#options.clock.after(ms, () => {
      this.#stopTimer = null;
      this.#writing = this.#write().then((failed) => {
        this.#writing = null;
        if (failed) this.#gather(AGAIN_MS);
        // Whoever was just answered may have asked for the next event meanwhile.
        else if (this.#waiting.length > 0 || this.#filed) this.#gather(0);
      });
    });
  }

  /** True: nothing could be written. Never rejects. */
  async #write(): Promise<boolean> {
    const waiting = this.#waiting.splice(0, MAX_BATCH);
    const room = MAX_BATCH - waiting.length;
    const { deliveries, issuer, now } = this.#options;
    try {
      const filed = this.#filed && room > 0;
      if (filed) this.#filed = false;
      const changes = filed ? await deliveries.changes(this.head.posted, room, issuer) : [];
      if (changes.length === room) this.#filed = true;
      const posted = changes.at(-1)?.change ?? this.head.posted;
      const asked = [...waiting, ...askedBy(changes)];
      if (asked.length > 0 || posted !== this.head.posted) {
        const projected = await this.#projector.project(asked, posted, now());
        this.#answer(waiting, projected);
      }
      return false;
    } catch (thrown) {
      this.#options.failed(thrown);
      this.#filed = true;
      for (const { reject } of waiting) reject(asMeshError(thrown, 'busy', LATER));
      return true;
    }
  }

  #answer(waiting: readonly Waiting[], { results, appended, changes }: Projected): void {
    this.#parameters.changed(changes);
    this.#due.changed(changes);
    for (const result of results.slice(waiting.length)) {
      // What a delivery is not paid for is no fault of anybody's.
      if (result instanceof Error && !(result instanceof MeshError)) this.#options.failed(result);
    }
    waiting.forEach(({ resolve, reject }, i) => {
      const result = results[i]!;
      if (!(result instanceof Error)) return resolve(result);
      if (!(result instanceof MeshError)) this.#options.failed(result);
      reject(asMeshError(result, 'busy', LATER));
    });
    if (appended.length === 0) return;
    tell(this.#onAppended, appended);
    if (this.#onChanged.size === 0) return;
    const changed = new Set<PeerId>();
    for (const { postings } of appended) touchedBy(postings, changed);
    tell(this.#onChanged, changed);
  }
}

function tell<T>(listeners: ReadonlySet<(news: T) => void>, news: T): void {
  for (const listener of listeners) listener(news);
}

const LATER = 'The mesh cannot write down credits right now. Try again in a moment.';

function later(): MeshError {
  return new MeshError('busy', LATER);
}
