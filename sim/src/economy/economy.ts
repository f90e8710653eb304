/**
 * A mesh reduced to its ledger: leases, receipts, acknowledgements, orders and reports are signed by real keys, unless all are honest, and read by the
 * projection that every mesh and every recount uses; the clock, and who does what, are ours. After each event the amounts
 * must add up to zero, and nobody may owe anything.
 */
import { toBase32 } from '@llmesh/core/base/base32';
import { MeshError } from '@llmesh/core/base/errors';
import type { ModelId, PeerId, TaskName } from '@llmesh/core/base/ids';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import { SECRET_KEY_BYTES, type Identity } from '@llmesh/core/identity/identity';
import { PEER_ACCOUNTS, accountOf, type Account } from '@llmesh/core/ledger/account';
import type { Micro } from '@llmesh/core/ledger/credit';
import {
  MAX_STORAGE_SHARES,
  MAX_UPTIME_SHARES,
  readEvent,
  writeEvent,
  type EventBody,
  type HoldId,
} from '@llmesh/core/ledger/event';
import { signOrder, type OrderBody } from '@llmesh/core/ledger/order';
import type { Posting } from '@llmesh/core/ledger/posting';
import { earnedIn } from '@llmesh/core/ledger/earned';
import { earnedKey, holdKey } from '@llmesh/core/ledger/keys';
import { signStorageReport, type StorageReport } from '@llmesh/core/proof/keeping/storage-report';
import { SERVED_WITHIN_MS } from '@llmesh/core/ledger/rules/given';
import { EPOCH_MS } from '@llmesh/core/ledger/emission';
import { apply, begin } from '@llmesh/core/ledger/projection';
import { balanceOf } from '@llmesh/core/ledger/readers';
import { MemoryState } from '@llmesh/core/ledger/state';
import { costOf, PLAIN, PRICE_VERSION } from '@llmesh/core/policy/price';
import { LEASE_NONCE_BYTES, leaseOf, readLeases, signLeases, type Leases } from '@llmesh/core/receipts/lease';
import { SeededRandom } from '../random.ts';
import { economyPeer, unsigned, type EconomyPeer } from './economy-peer.ts';
import { acknowledged, received } from './proofs.ts';

/** The day on which every simulated ledger begins. */
const START_MS = Date.UTC(2027, 0, 1);
const LEASE_SECONDS = 120;
/** How long after the end of its lease a hold is let go. */
const HOLD_SECONDS = 900;
export const MODEL = 'demo' as ModelId;
export const TASK = 'chat' as TaskName;

export interface Asked {
  readonly maxUnits: number;
  /** Micro-credits for 1,000 units. */
  readonly price: Micro;
}

/** A question that was matched: its leases, and whether credits were put aside for it. */
export interface Match {
  readonly requester: EconomyPeer;
  readonly leases: Leases;
  readonly bytes: Uint8Array;
  readonly funded: boolean;
}

interface Due {
  readonly hold: HoldId;
  readonly payer: PeerId;
  readonly untilS: number;
}

export type KeptCopy = Pick<StorageReport, 'content' | 'sizeBytes'>;

export class Economy {
  readonly random: SeededRandom;
  readonly state = new MemoryState();
  /** How many events of each kind there are, and how many were refused, by code. */
  readonly counts = new Map<string, number>();
  readonly #check: typeof nodeVerify;
  readonly #control: Identity;
  readonly #signs: boolean;
  readonly #holds: Due[] = [];
  #ms = START_MS;
  #index = 0;
  #orders = 0;

  /**
   * `check`: whether what is filed is signed as it says. Where that is taken for granted, as in a mesh of honest people, nobody signs
   * either: it is a third of all the time.
   */
  constructor(seed: number, check: typeof nodeVerify = nodeVerify) {
    this.#check = check;
    this.random = new SeededRandom(seed);
    this.#signs = check === nodeVerify;
    const bytes = this.random.bytes(SECRET_KEY_BYTES);
    this.#control = this.#signs ? nodeIdentity(bytes) : unsigned(bytes);
    begin(this.state, this.#control.peerId);
  }

  get ms(): number {
    return this.#ms;
  }

  get issuer(): PeerId {
    return this.#control.peerId;
  }

  get size(): number {
    return this.#index;
  }

  peer(network: string): EconomyPeer {
    return economyPeer(network, this.random, this.#signs);
  }

  /** As the control plane appends it. Throws when the projection refuses it. */
  post(body: EventBody): readonly Posting[] {
    const event = readEvent(writeEvent({ ...body, ms: this.#ms }));
    if (event === null) throw new Error(`This event cannot be written: ${body.kind}.`);
    try {
      const postings = apply(this.state, event, this.#index, this.#check);
      this.#index += 1;
      this.#count(body.kind);
      this.#mustAddUp(postings);
      return postings;
    } catch (error) {
      if (error instanceof MeshError) this.#count(error.code);
      throw error;
    }
  }

  /** Why the projection refuses it; null: it did not, and it has happened. */
  tryPost(body: EventBody): string | null {
    try {
      this.post(body);
      return null;
    } catch (error) {
      if (error instanceof MeshError) return error.code;
      throw error;
    }
  }

  async order(body: OrderBody, by: EconomyPeer): Promise<string | null> {
    const ms = this.#ms + this.#orders++;
    return this.tryPost({ kind: 'order', record: await signOrder(body, { issuer: this.issuer, ms }, by.identity) });
  }

  /** As the control plane matches: credits are put aside where there are enough, and where nobody of one network asks itself. */
  async match(requester: EconomyPeer, providers: readonly EconomyPeer[], { maxUnits, price }: Asked): Promise<Match> {
    const seed = this.random.bytes(LEASE_NONCE_BYTES);
    const expiresAt = Math.floor(this.#ms / 1000) + LEASE_SECONDS;
    const bytes = await signLeases(
      {
        ...{ requester: requester.id, providers: providers.map(({ id }) => id), seed, expiresAt },
        ...{ task: TASK, model: MODEL, complexity: PLAIN, price, priceVersion: PRICE_VERSION, maxUnits },
      },
      this.#control,
    );
    const leases = readLeases(bytes, this.#check)!;
    const amount = costOf(maxUnits, price);
    const untilS = expiresAt + HOLD_SECONDS;
    const stranger = providers.every(({ network }) => network !== requester.network);
    const funded =
      stranger &&
      amount > 0 &&
      this.tryPost({ kind: 'reserve', hold: seed, payer: requester.id, amount, untilS }) === null;
    if (funded) this.#holds.push({ hold: seed, payer: requester.id, untilS });
    return { requester, leases, bytes, funded };
  }

  /** Files what both ends signed: a receipt of so many units. */
  async receive(match: Match, provider: EconomyPeer, units: number): Promise<string | null> {
    const lease = leaseOf(match.leases, provider.id)!;
    const proof = await received(lease, units, match.requester.identity, provider.identity, this.#ms);
    return this.tryPost({ kind: 'earn', lease: match.bytes, proof });
  }

  /** Files what the requester acknowledged so far. */
  async acknowledge(match: Match, provider: EconomyPeer, units: number): Promise<string | null> {
    const lease = leaseOf(match.leases, provider.id)!;
    return this.tryPost({
      kind: 'earn',
      lease: match.bytes,
      proof: await acknowledged(lease, units, match.requester.identity),
    });
  }

  /** A question from a peer, answered whole by another one. */
  async deal(requester: EconomyPeer, provider: EconomyPeer, units: number, price: Micro): Promise<Match> {
    const match = await this.match(requester, [provider], { maxUnits: units, price });
    await this.receive(match, provider, units);
    return match;
  }

  /** Time passes, and what is due happens, as on the control plane. */
  pass(ms: number): void {
    this.#ms += ms;
    while (this.#holds.length > 0 && this.#holds[0]!.untilS * 1000 <= this.#ms) {
      const { hold, payer } = this.#holds.shift()!;
      // A hold that a receipt has settled is gone.
      if (this.state.get(holdKey(toBase32(hold))) !== undefined) this.tryPost({ kind: 'refund', hold, payer });
    }
  }

  /** An hour passes in which these were there. */
  hour(present: readonly EconomyPeer[]): void {
    this.pass(EPOCH_MS);
    this.uptime(present.map((peer) => [peer, 1_000] as const));
  }

  /** Emission pays for the hour before this one. Shares are thousandths. */
  uptime(shares: readonly (readonly [EconomyPeer, number])[]): void {
    const epoch = Math.floor(this.#ms / EPOCH_MS) - 1;
    for (let at = 0; at < shares.length; at += MAX_UPTIME_SHARES) {
      const some = shares.slice(at, at + MAX_UPTIME_SHARES);
      this.post({ kind: 'uptime', epoch, shares: some.map(([{ id }, share]) => [id, share] as const) });
    }
  }

  /** Emission pays for what was kept in the hour before this one: each copy with what `asker` found there. Shares are thousandths. */
  async storage(
    shares: readonly (readonly [EconomyPeer, number])[],
    asker: EconomyPeer,
    copy: KeptCopy,
  ): Promise<void> {
    const epoch = Math.floor(this.#ms / EPOCH_MS) - 1;
    for (let at = 0; at < shares.length; at += MAX_STORAGE_SHARES) {
      const some = shares.slice(at, at + MAX_STORAGE_SHARES).map(async ([{ id: keeper }, share]) => {
        const found = { keeper, epoch, ...copy, outcome: 'kept', slowestMs: 9, leaves: new Uint8Array(32) } as const;
        return [keeper, share, await signStorageReport(found, asker.identity)] as const;
      });
      this.post({ kind: 'storage', epoch, shares: await Promise.all(some) });
    }
  }

  /** It answered somebody lately: only such peers are paid for being there. */
  hasServed({ id }: EconomyPeer): boolean {
    return earnedIn(this.state.get(earnedKey(id))).servedMs + SERVED_WITHIN_MS >= this.#ms;
  }

  /** All that it ever earned: by answers, by being there, by checks. */
  earned({ id }: EconomyPeer): Micro {
    return earnedIn(this.state.get(earnedKey(id))).all;
  }

  couldPay({ id }: EconomyPeer, maxUnits: number, price: Micro): boolean {
    return this.balance(accountOf('free', id)) + this.balance(accountOf('allowance', id)) >= costOf(maxUnits, price);
  }

  /** All credits of these peers that are money: what a newcomer got to begin with is none. */
  wealth(peers: readonly EconomyPeer[]): Micro {
    const kinds = PEER_ACCOUNTS.filter((kind) => kind !== 'allowance');
    return peers.reduce(
      (sum, { id }) => sum + kinds.reduce((all, kind) => all + this.balance(accountOf(kind, id)), 0),
      0,
    );
  }

  balance(account: Account): Micro {
    return balanceOf(this.state, account);
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #mustAddUp(postings: readonly Posting[]): void {
    const sum = postings.reduce((all, { amount }) => all + amount, 0);
    if (sum !== 0) throw new Error(`Event ${this.#index - 1} adds up to ${sum}.`);
    for (const { account } of postings) {
      if (account !== 'emission' && this.balance(account) < 0) throw new Error(`${account} owes something.`);
    }
  }
}
