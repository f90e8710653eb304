/** Everybody whom a ledger needs, with keys that are the same every time, and the signed papers that they write. */
import type { ContentId, ModelId, PeerId, TaskId } from '../base/ids.ts';
import { peerIdOf, SIGNATURE_BYTES, softwareIdentity, type Identity } from '../identity/identity.ts';
import { epochOf } from '../ledger/emission.ts';
import type { EventBody, LedgerEvent } from '../ledger/event.ts';
import { signOrder, type OrderBody } from '../ledger/order.ts';
import type { Posting } from '../ledger/posting.ts';
import { apply, begin, sizeOf } from '../ledger/projection.ts';
import { FULL_BYTES } from '../ledger/rules/storage.ts';
import { MemoryState, type LedgerState } from '../ledger/state.ts';
import { signReport, type AuditReport } from '../proof/audit-report.ts';
import { signStorageReport, type StorageReport } from '../proof/keeping/storage-report.ts';
import { leaseOf, signLeases, type Leases } from '../receipts/lease.ts';
import { signAcknowledgement, signReceipt, type Receipt } from '../receipts/receipt.ts';

export const START_MS = Date.UTC(2027, 0, 1);
const MODEL = 'large' as ModelId;

export class LedgerWorld {
  readonly state: LedgerState;
  readonly control: Identity;
  /** The clock of the control plane. */
  ms = START_MS;
  readonly events: LedgerEvent[] = [];

  constructor(control = peerOf(0), state: LedgerState = new MemoryState()) {
    this.control = control;
    this.state = state;
    begin(this.state, this.control.peerId);
  }

  get seconds(): number {
    return Math.floor(this.ms / 1_000);
  }

  add(body: EventBody): readonly Posting[] {
    const event = { ...body, ms: this.ms };
    const postings = apply(this.state, event, sizeOf(this.state), () => true);
    this.events.push(event);
    return postings;
  }

  /** So much, free, to begin with. */
  fund(peer: PeerId, amount: number): void {
    // Nothing in the rules gives credits from nowhere, so tests that need some put them there, and the debt to emission.
    const add = (account: string, by: number) =>
      this.state.set(`a/${account}`, ((this.state.get(`a/${account}`) as number | undefined) ?? 0) + by);
    add(`free:${peer}`, amount);
    add('emission', -amount);
  }

  /** Leases of one seed for these providers. */
  async lease(seed: number, requester: Identity, providers: readonly Identity[], terms: Partial<Leases> = {}) {
    const leases: Omit<Leases, 'issuer'> = {
      requester: requester.peerId,
      providers: providers.map(({ peerId }) => peerId),
      task: 'chat',
      model: MODEL,
      complexity: 1_000,
      price: 1_000_000,
      priceVersion: 1,
      maxUnits: 1_000,
      expiresAt: this.seconds + 600,
      seed: seedOf(seed),
      ...terms,
    };
    const nonceOf = (provider: Identity) => leaseOf({ ...leases, issuer: this.control.peerId }, provider.peerId)!.nonce;
    return { leases, signed: await signLeases(leases, this.control), hold: leases.seed, nonceOf, requester };
  }

  async receipt(lease: LeaseOf, provider: Identity, units: number): Promise<EventBody> {
    const receipt: Receipt = {
      ...this.#delivered(lease, provider, units),
      task: lease.leases.task,
      model: lease.leases.model,
      inputUnits: 1,
      result: bytes(32, 5),
      startedMs: this.ms,
      endedMs: this.ms,
      half: null,
      price: lease.leases.price,
      priceVersion: lease.leases.priceVersion,
    };
    const halves = {
      provider: await signReceipt(receipt, provider),
      requester: await signReceipt(receipt, lease.requester),
    };
    return { kind: 'earn', lease: lease.signed, proof: { kind: 'receipt', ...halves } };
  }

  async acknowledgement(lease: LeaseOf, provider: Identity, units: number): Promise<EventBody> {
    const acknowledgement = await signAcknowledgement(this.#delivered(lease, provider, units), lease.requester);
    return { kind: 'earn', lease: lease.signed, proof: { kind: 'acknowledgement', acknowledgement } };
  }

  async order(by: Identity, body: OrderBody, ms = this.ms): Promise<EventBody> {
    return { kind: 'order', record: await signOrder(body, { issuer: this.control.peerId, ms }, by) };
  }

  report(lease: LeaseOf, provider: Identity, auditor: Identity, over: Partial<AuditReport> = {}): Promise<Uint8Array> {
    const engine = 'llama.cpp/cpu' as const;
    return signReport(
      {
        leaseNonce: lease.nonceOf(provider),
        provider: provider.peerId,
        model: lease.leases.model,
        file: 'ab'.repeat(32),
        receipt: bytes(32, 6),
        providerEngine: engine,
        auditorEngine: engine,
        outcome: 'scored',
        reason: '',
        mode: 'greedy',
        deviations: bytes(4, 0),
        ...over,
      },
      auditor,
    );
  }

  /** What `asker` found at `keeper`. */
  storageReport(keeper: Identity, asker: Identity, over: Partial<StorageReport> = {}): Promise<Uint8Array> {
    const content = 'cd'.repeat(32) as ContentId;
    const found = {
      content,
      sizeBytes: FULL_BYTES,
      epoch: epochOf(this.ms) - 1,
      outcome: 'kept',
      slowestMs: 90,
    } as const;
    return signStorageReport({ keeper: keeper.peerId, ...found, leaves: bytes(32, 8), ...over }, asker);
  }

  #delivered(lease: LeaseOf, provider: Identity, units: number) {
    return {
      taskId: 'abcdefghijklmnop' as TaskId,
      requester: lease.leases.requester,
      provider: provider.peerId,
      leaseNonce: lease.nonceOf(provider),
      commitment: bytes(32, 1),
      units,
      digest: bytes(32, 2),
    };
  }
}

export type LeaseOf = Awaited<ReturnType<LedgerWorld['lease']>>;

/** The same identity for the same number. */
export function peerOf(number: number): Identity {
  const secret = bytes(32, 1);
  new DataView(secret.buffer).setUint32(0, number);
  return softwareIdentity(secret);
}

/** As `peerOf`, without a key: it writes what looks signed. For worlds that check no signatures, in a thousandth of the time. */
export function paperPeer(number: number): Identity {
  const publicKey = bytes(32, 7);
  new DataView(publicKey.buffer).setUint32(0, number);
  return { peerId: peerIdOf(publicKey), publicKey, sign: async () => bytes(SIGNATURE_BYTES, 0) };
}

function seedOf(number: number): Uint8Array {
  const seed = bytes(16, 9);
  new DataView(seed.buffer).setUint32(0, number);
  return seed;
}

function bytes(length: number, value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(value);
}
