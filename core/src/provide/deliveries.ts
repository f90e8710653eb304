/**
 * The provider's books: which leases were used, what is being delivered under them, and the proof of it. A task's entry
 * outlives it for a while, until the requester's last word about it.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { toBase32 } from '../base/base32.ts';
import type { Channel, Message } from '../peers/channel.ts';
import type { Clock } from '../base/clock.ts';
import { Delivery } from './delivery.ts';
import { asMeshError, MeshError } from '../base/errors.ts';
import type { Identity, verify } from '../identity/identity.ts';
import type { PeerId, TaskId, TaskName } from '../base/ids.ts';
import { checkLease, LeaseBook, type Lease } from '../receipts/lease.ts';
import { HALF_BYTES, type TaskRequest } from '../protocol.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { requestCommitment } from '../receipts/request-commitment.ts';
import type { KeptProof } from '../receipts/receipt-keeper.ts';
import type { ReceiptFiler } from '../receipts/receipt-filer.ts';
import { joinReceipt, signReceipt } from '../receipts/receipt.ts';

/** How long a requester has to sign for an answer after its end. */
const LAST_WORD_MS = 30_000;
const MAX_ENDED = 1_024;
/** Each costs a verification. A requester whose clock is wrong comes back over a new connection. */
const MAX_REFUSED_LEASES = 16;

export interface DeliveriesOptions {
  identity: Identity;
  clock: Clock;
  /** Milliseconds since 1970, by the clock of the leases' issuer. It may be corrected at any time. */
  now: () => number;
  /** The issuer whose leases count; null: none is known yet. */
  issuer: () => PeerId | null;
  filer: Pick<ReceiptFiler, 'hold' | 'file'>;
  verify: typeof verify;
}

/** What the kind of a task says about its lease. */
export interface TaskTerms {
  /** The kind as it is offered: `TaskKind.offeredAs`. */
  task: TaskName;
  complexity: number;
  /** Our draws can be repeated: a half of the seed is made for it. */
  drawn: boolean;
}

/** What is signed at the end, beside what was delivered. */
interface Done {
  inputUnits: number;
  /** The packed result. */
  result: Uint8Array;
  /** Milliseconds since 1970. */
  startedMs: number;
}

/** One leased task, from the moment it is taken. */
export interface LeasedTask {
  /** Our half of the seed; null: the draws cannot be repeated, or there are none. */
  readonly half: Uint8Array<ArrayBuffer> | null;
  readonly channel: Channel;
  readonly lease: Lease;
  readonly leaseBytes: Uint8Array<ArrayBuffer>;
  readonly delivery: Delivery;
  /** Ends the task: what the requester signed is not what it got. */
  readonly refuse: (error: MeshError) => void;
  /** Our half of the receipt; null until there is one. */
  receipt: Uint8Array<ArrayBuffer> | null;
  stopTimer: (() => void) | null;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #book = new LeaseBook();
  readonly #tasks = new Map<Channel, Map<TaskId, LeasedTask>>();
  /** Tasks that wait for a last word, oldest first. */
  readonly #ended = new Set<LeasedTask>();
  readonly #refusedLeases = new WeakMap<Channel, number>();

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** Uses up the lease. Throws lease_refused, busy, or bad_message for a task id that was used before. */
  begin(channel: Channel, request: TaskRequest, terms: TaskTerms, refuse: (error: MeshError) => void): LeasedTask {
    const { taskId } = request;
    if (this.#find(channel, taskId) !== undefined) {
      throw new MeshError('bad_message', 'That task was already asked for.');
    }
    const { lease, leaseBytes } = this.#checked(channel, request, terms);
    const { requester, provider, nonce } = lease;
    const commitment = requestCommitment(request);
    const start = { taskId, requester, provider, leaseNonce: nonce, commitment };
    const delivery = new Delivery(start, this.#options.verify);
    // Made when the request is here: whoever asked cannot have foreseen it.
    const half = terms.drawn ? randomBytes(HALF_BYTES) : null;
    const task: LeasedTask = { channel, half, lease, leaseBytes, delivery, refuse, receipt: null, stopTimer: null };
    const ofChannel = this.#tasks.get(channel) ?? new Map<TaskId, LeasedTask>();
    this.#tasks.set(channel, ofChannel.set(taskId, task));
    return task;
  }

  /** Our half of the receipt, for TASK_RESPONSE. */
  async sign(task: LeasedTask, { inputUnits, result, startedMs }: Done): Promise<Uint8Array<ArrayBuffer>> {
    const { delivery, lease } = task;
    // A clock that was set back in mid-answer would make the receipt invalid.
    const times = { startedMs, endedMs: Math.max(startedMs, this.#options.now()) };
    const { units, digest } = delivery.chain;
    const { task: kind, model, price, priceVersion } = lease;
    const facts = {
      task: kind,
      model,
      price,
      priceVersion,
      inputUnits,
      result: sha256(result),
      ...times,
      half: task.half,
    };
    const receipt = { ...delivery.start, units, digest, ...facts };
    task.receipt = await signReceipt(receipt, this.#options.identity);
    return task.receipt;
  }

  /** Nothing more goes out. Waits for the requester's last word, as long as one can come. */
  end(task: LeasedTask): void {
    const { channel, delivery } = task;
    if (this.#find(channel, delivery.start.taskId) !== task) return;
    const complete = task.receipt === null && delivery.unacknowledgedUnits === 0;
    if (complete || !channel.open) {
      this.#settle(task);
      return;
    }
    task.stopTimer = this.#options.clock.after(LAST_WORD_MS, () => this.#settle(task));
    this.#ended.add(task);
    const [oldest] = this.#ended;
    if (this.#ended.size > MAX_ENDED && oldest !== undefined) this.#settle(oldest);
  }

  acknowledged(channel: Channel, { taskId, acknowledgement }: Extract<Message, { kind: 'TASK_ACK' }>): void {
    const task = this.#find(channel, taskId);
    // The task ended long ago, or never existed.
    if (task === undefined) return;
    try {
      task.delivery.acknowledge(acknowledgement);
    } catch (thrown) {
      const error = asMeshError(thrown, 'receipt_refused', 'The other computer did not acknowledge what it was sent.');
      if (this.#ended.has(task)) this.#settle(task);
      else task.refuse(error);
      return;
    }
    const proof = acknowledgedProof(task);
    if (proof !== null) this.#options.filer.hold(proof);
    const whole = task.receipt === null && task.delivery.unacknowledgedUnits === 0;
    if (whole && this.#ended.has(task)) this.#settle(task);
  }

  /** The requester's half. One that does not match ours is worthless: what was acknowledged still counts. */
  receipted(channel: Channel, { taskId, receipt }: Extract<Message, { kind: 'TASK_RECEIPT' }>): void {
    const task = this.#find(channel, taskId);
    if (task === undefined || task.receipt === null) return;
    if (joinReceipt(task.receipt, receipt, this.#options.verify) === null) {
      this.#settle(task);
      return;
    }
    const filing = {
      lease: toBase32(task.leaseBytes),
      proof: { kind: 'receipt', provider: toBase32(task.receipt), requester: toBase32(receipt) },
    } as const;
    this.#forget(task);
    this.#options.filer.file({ leaseId: toBase32(task.lease.nonce), filing });
  }

  /** Nobody is left to say a last word. */
  channelClosed(channel: Channel): void {
    for (const task of [...(this.#tasks.get(channel)?.values() ?? [])]) if (this.#ended.has(task)) this.#settle(task);
  }

  /** Idempotent. */
  close(): void {
    for (const task of [...this.#tasks.values()].flatMap((ofChannel) => [...ofChannel.values()])) this.#settle(task);
  }

  #checked(
    channel: Channel,
    request: TaskRequest,
    { task, complexity }: Pick<TaskTerms, 'task' | 'complexity'>,
  ): { lease: Lease; leaseBytes: Uint8Array<ArrayBuffer> } {
    const { identity, clock, now, issuer, verify } = this.#options;
    const nowSeconds = Math.floor(now() / 1000);
    const issuedBy = issuer();
    const { model, maxUnits } = request;
    if (issuedBy === null || request.lease === null) {
      throw new MeshError('lease_refused', 'This volunteer works only with a lease from the mesh. Ask again.');
    }
    const terms = {
      issuer: issuedBy,
      requester: channel.peer,
      provider: identity.peerId,
      task,
      model,
      complexity,
      maxUnits,
      nowSeconds,
    };
    try {
      const lease = checkLease(request.lease, terms, verify);
      // By a clock that nobody sets: a used lease is remembered as long as it could be presented again, and no longer.
      const steadySeconds = Math.floor(clock.now() / 1000);
      this.#book.use({ ...lease, expiresAt: steadySeconds + lease.expiresAt - nowSeconds }, steadySeconds);
      return { lease, leaseBytes: new Uint8Array(request.lease) };
    } catch (thrown) {
      const refused = (this.#refusedLeases.get(channel) ?? 0) + 1;
      this.#refusedLeases.set(channel, refused);
      if (refused > MAX_REFUSED_LEASES) channel.close();
      throw thrown;
    }
  }

  #settle(task: LeasedTask): void {
    this.#forget(task);
    const proof = acknowledgedProof(task);
    if (proof !== null) this.#options.filer.file(proof);
  }

  #forget(task: LeasedTask): void {
    task.stopTimer?.();
    this.#ended.delete(task);
    const ofChannel = this.#tasks.get(task.channel);
    ofChannel?.delete(task.delivery.start.taskId);
    if (ofChannel?.size === 0) this.#tasks.delete(task.channel);
  }

  #find(channel: Channel, taskId: TaskId): LeasedTask | undefined {
    return this.#tasks.get(channel)?.get(taskId);
  }
}

/** The proof that a provider has when nothing better comes. */
function acknowledgedProof({ lease, leaseBytes, delivery }: LeasedTask): KeptProof | null {
  const { acknowledgement } = delivery;
  if (acknowledgement === null) return null;
  const proof = { kind: 'acknowledgement', acknowledgement: toBase32(acknowledgement) } as const;
  return { leaseId: toBase32(lease.nonce), filing: { lease: toBase32(leaseBytes), proof } };
}
