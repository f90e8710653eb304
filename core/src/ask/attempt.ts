/** One provider at work on one task, from dialling it to its last word. Reports what comes; decides nothing. */
import * as v from 'valibot';
import type { Channel } from '../peers/channel.ts';
import type { Clock } from '../base/clock.ts';
import { toBase32 } from '../base/base32.ts';
import { costOf } from '../policy/price.ts';
import type { Owed } from './bill.ts';
import { unreachable } from '../control/control-requests.ts';
import { asMeshError, MeshError } from '../base/errors.ts';
import type { Identity, verify } from '../identity/identity.ts';
import { newTaskId, type ModelId, type PeerId, type TaskId } from '../base/ids.ts';
import type { Links } from '../peers/links.ts';
import { MAX_INPUT_BYTES, SALT_BYTES, type TaskChunk, type TaskReply } from '../protocol.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { packBody, readBody } from '../wire/body.ts';
import { cannotGoOn, saidByProvider } from './provider-failure.ts';
import type { Gift } from '../models/swarm/gifts.ts';
import type { ReceiptFiler } from '../receipts/receipt-filer.ts';
import type { ChainChunk } from '../receipts/digest-chain.ts';
import { requestCommitment, type Committed } from '../receipts/request-commitment.ts';
import { heldLease, ReceivedTask, type HeldLease } from './received-task.ts';
import type { TaskCheck, TaskKind, Written } from '../tasks/task-kind.ts';
import type { Path } from '../transport/transport.ts';
import type { Leased } from '../wire/candidate.ts';

/** A provider says at once whether it takes a task; one that does not is broken. */
const ACCEPT_TIMEOUT_MS = 5_000;
/** A link that takes this long to open may take for ever. */
const LATE_MS = 2_500;
const KEY_FAILED = "This computer's key could not sign. Start again.";

export type AttemptEvent<Piece, Result> =
  /** It did not take the task in time, and may yet. */
  | { type: 'late' }
  /** It took the task; `ahead` others come first. */
  | { type: 'accepted'; ahead: number }
  /** `index`: the units of this attempt before it. */
  | ({ type: 'piece'; index: number } & Written<Piece>)
  | { type: 'whole'; whole: Whole<Result> }
  /** Nothing more will come. */
  | { type: 'failed'; error: MeshError };

/** The part of a task that one provider is asked for. */
export interface TaskPart<Input, Piece, Result> {
  kind: TaskKind<Input, Piece, Result>;
  model: ModelId;
  input: Input;
  maxUnits: number;
  check: TaskCheck<Piece, Result>;
  /** The units of the whole before this part. */
  offset: number;
  /** Micro-credits for 1,000 units: no lease is used that costs more. Left out: any price. */
  maxPrice?: number | undefined;
  /** What the provider gets from us for it, before it is asked. Left out: nothing. */
  gift?: Pick<Gift, 'to'>;
  /** How much of that is on its way to this provider. */
  gave?: (provider: PeerId, sentBytes: number) => void;
  /** Hears when both have signed for it, with all that shows what was asked and answered. Left out: nobody keeps that. */
  signed?: (work: SignedWork) => void;
}

/** What was asked and answered, as it went over the wire, with the paper about it. */
export interface SignedWork {
  candidate: Leased;
  request: Committed;
  lease: HeldLease;
  providerHalf: Uint8Array<ArrayBuffer>;
  requesterHalf: Uint8Array<ArrayBuffer>;
  chunks: readonly ChainChunk[];
}

/** What a provider says at the end of its part. */
export interface Whole<Result> {
  result: Result;
  inputUnits: number;
  /** The units of its part, by its own count: the last one may have had nothing to show. */
  units: number;
  path: Path | null;
  /** signed: by both. refused: the provider's half was untrue. none: it sent none. */
  receipt: 'signed' | 'refused' | 'none';
}

export interface AttemptNeeds {
  links: Links;
  identity: Identity;
  verify: typeof verify;
  filer: Pick<ReceiptFiler, 'file'>;
  clock: Clock;
  /** Sends the replies about this task here until the returned function is called. */
  listen: (taskId: TaskId, attempt: Listener) => () => void;
}

/** Hears what one provider says about one task. */
export interface Listener {
  readonly channel: Channel | null;
  handle(reply: TaskReply): void;
  channelClosed(channel: Channel, reason: MeshError | null): void;
}

export class Attempt<Input, Piece, Result> implements Listener {
  readonly candidate: Leased;
  readonly offset: number;
  /** Null while the provider is being dialled. */
  channel: Channel | null = null;
  /** The provider has the question. */
  asked = false;
  /** The provider took the task. */
  taken = false;
  /** Since when the provider works on it; null: others come first. */
  runsSinceMs: number | null = null;
  readonly #part: TaskPart<Input, Piece, Result>;
  readonly #needs: AttemptNeeds;
  readonly #tell: (event: AttemptEvent<Piece, Result>) => void;
  readonly #taskId = newTaskId();
  readonly #lease: HeldLease | null;
  readonly #dialling = new AbortController();
  /** The record of what came; null before it was asked. */
  #received: ReceivedTask | null = null;
  #asked: Committed | null = null;
  /** Kept where `signed` wants to hear of it; null: it would be too large to be shown to anybody. */
  #chunks: ChainChunk[] | null = [];
  #chunkBytes = 0;
  #cleanUp: (() => void)[] = [];
  #stopTimer: (() => void) | null = null;
  #stopLate: () => void;
  #settled = false;
  #ended = false;

  /** Begins at once. Throws lease_refused. `tell` is never called after `cancel`. */
  constructor(
    candidate: Leased,
    part: TaskPart<Input, Piece, Result>,
    needs: AttemptNeeds,
    tell: (attempt: Attempt<Input, Piece, Result>, event: AttemptEvent<Piece, Result>) => void,
  ) {
    const { kind, model, offset, maxPrice } = part;
    this.candidate = candidate;
    this.offset = offset;
    this.#part = part;
    this.#needs = needs;
    this.#tell = (event) => tell(this, event);
    this.#lease = heldLease(candidate, needs.identity.peerId, { task: kind.offeredAs, model, maxPrice });
    this.#stopLate = needs.clock.after(LATE_MS, () => this.#tell({ type: 'late' }));
    void this.#begin();
  }

  get units(): number {
    return this.#received?.units ?? 0;
  }

  /** What is owed for what came; null: nothing came, or there is no lease to owe it under. */
  get owed(): Owed | null {
    const { units } = this;
    if (this.#lease === null || units === 0) return null;
    const { hold, lease } = this.#lease;
    const { provider, nonce, price, maxUnits } = lease;
    return { provider, leaseId: toBase32(nonce), price, units, hold, held: costOf(maxUnits, price) };
  }

  handle(reply: TaskReply): void {
    if (this.#ended) return;
    switch (reply.kind) {
      case 'TASK_ACCEPTED':
        if (!this.#accepted(reply.half ?? null)) break;
        this.#stopTimer?.();
        this.#stopLate();
        this.taken = true;
        if (reply.ahead === 0) this.runsSinceMs ??= this.#needs.clock.now();
        this.#tell({ type: 'accepted', ahead: reply.ahead });
        break;
      case 'TASK_CHUNK':
        this.#take(reply);
        break;
      case 'TASK_RESPONSE':
        this.#settled = true;
        void this.#finish(reply);
        break;
      case 'TASK_ERROR':
        this.#settled = true;
        // Its control plane is reachable, and ours is not.
        if (reply.code === 'lease_refused' && this.#lease === null) this.fail(unreachable());
        // We accepted the schema before it did: its limits differ from ours, and the next one's may, too.
        else if (reply.code === 'bad_schema' && this.units === 0)
          this.fail(saidByProvider('unsupported', reply.message));
        else this.fail(saidByProvider(reply.code, reply.message));
        break;
      default:
        reply satisfies never;
    }
  }

  channelClosed(channel: Channel, reason: MeshError | null): void {
    if (channel !== this.channel) return;
    this.fail(reason ?? new MeshError('provider_lost', 'The volunteer closed the connection.'));
  }

  /** Ends an attempt that is no longer needed: the provider stops computing. Signs for what came. */
  fail(error: MeshError): void {
    if (this.#ended) return;
    this.cancel();
    this.#tell({ type: 'failed', error });
  }

  /** Like `fail`, but nothing is reported. Idempotent. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#dialling.abort();
    if (!this.#settled) this.channel?.send({ kind: 'TASK_CANCEL', taskId: this.#taskId });
    // What came was delivered, however it ended.
    this.#received?.breakOff();
    this.#stopTimer?.();
    this.#stopLate();
    for (const clean of this.#cleanUp) clean();
    this.#cleanUp = [];
  }

  async #begin(): Promise<void> {
    const { links, clock, listen } = this.#needs;
    try {
      const channel = await links.open(this.candidate.peerId, this.#dialling.signal);
      if (this.#ended) return;
      this.channel = channel;
      this.#cleanUp.push(channel.hold(false), listen(this.#taskId, this));
      if (!channel.open) throw new MeshError('provider_lost', 'The volunteer closed the connection.');
      await this.#give(channel);
      if (this.#ended) return;
      this.#stopTimer = clock.after(ACCEPT_TIMEOUT_MS, () =>
        this.fail(new MeshError('provider_lost', 'The volunteer did not accept the question.')),
      );
      this.#request(channel);
      this.asked = true;
    } catch (thrown) {
      this.fail(asMeshError(thrown, 'connect_failed', 'Could not connect to that volunteer.'));
    }
  }

  /** Rejects with connect_failed where there is no direct way. */
  async #give(channel: Channel): Promise<void> {
    const { gift, gave } = this.#part;
    if (gift === undefined) return;
    let sentBytes = 0;
    const end = await gift.to(channel, (bytes) => {
      sentBytes += bytes;
      gave?.(this.candidate.peerId, sentBytes);
    });
    if (this.#ended) end();
    else this.#cleanUp.push(end);
  }

  /** Throws `cannotBeSent`. */
  #request(channel: Channel): void {
    const { kind, model, maxUnits } = this.#part;
    const { peerId: provider, model: offered } = this.candidate;
    const { identity, verify, clock } = this.#needs;
    const input = this.#packed();
    const salt = randomBytes(SALT_BYTES);
    const asked = { task: kind.name, model, file: offered.sha256, input, maxUnits, salt };
    const taskId = this.#taskId;
    this.#asked = asked;
    this.#received = new ReceivedTask({
      taskId,
      provider,
      lease: this.#lease,
      commitment: requestCommitment(asked),
      maxUnits,
      maxInputUnits: kind.maxInputUnits(this.#part.input),
      identity,
      verify,
      clock,
      acknowledge: (acknowledgement) => this.channel?.send({ kind: 'TASK_ACK', taskId, acknowledgement }),
      failed: (thrown) => this.fail(asMeshError(thrown, 'identity_unusable', KEY_FAILED)),
    });
    channel.send({ kind: 'TASK_REQUEST', taskId, ...asked, lease: this.#lease?.bytes ?? null });
  }

  /** The packed input, in a lighter form if it would not fit otherwise. */
  #packed(): Uint8Array<ArrayBuffer> {
    const { kind, offset } = this.#part;
    for (let input: Input | null = this.#part.input; input !== null; input = kind.lighter(input)) {
      const packed = v.is(kind.input, input) ? packBody(input) : null;
      if (packed !== null && packed.byteLength <= MAX_INPUT_BYTES) return packed;
    }
    throw cannotBeSent(offset > 0);
  }

  #signed(providerHalf: Uint8Array<ArrayBuffer>, requesterHalf: Uint8Array<ArrayBuffer>): void {
    const { candidate } = this;
    const [request, lease, chunks] = [this.#asked, this.#lease, this.#chunks];
    if (request === null || lease === null || chunks === null) return;
    this.#part.signed?.({ candidate, request, lease, providerHalf, requesterHalf, chunks });
  }

  #keep(chunk: ChainChunk): void {
    this.#chunkBytes += chunk.piece.byteLength;
    if (this.#chunkBytes > MAX_INPUT_BYTES) this.#chunks = null;
    this.#chunks?.push(chunk);
  }

  /** False: the attempt has failed, as the provider told two halves of the seed. */
  #accepted(half: Uint8Array | null): boolean {
    try {
      this.#received?.accepted(half);
      return true;
    } catch (thrown) {
      this.fail(asMeshError(thrown, 'bad_message', 'The volunteer sent something unreadable.'));
      return false;
    }
  }

  #take({ index, units, piece: packed }: TaskChunk): void {
    const { kind, check } = this.#part;
    const piece = readBody(kind.piece, packed);
    try {
      if (piece === null) throw new MeshError('bad_message', 'The volunteer sent something unreadable.');
      check.piece({ piece, units });
      this.#received?.add({ index, units, piece: packed });
      if (this.#part.signed !== undefined) this.#keep({ index, units, piece: packed });
    } catch (thrown) {
      this.fail(asMeshError(thrown, 'bad_message', 'The volunteer sent something unreadable.'));
      return;
    }
    this.#tell({ type: 'piece', index, units, piece });
  }

  async #finish(reply: Extract<TaskReply, { kind: 'TASK_RESPONSE' }>): Promise<void> {
    const { units, inputUnits } = reply;
    const { kind, check, input } = this.#part;
    try {
      const result = readBody(kind.result, reply.result);
      if (result === null) throw new MeshError('bad_message', 'The volunteer sent something unreadable.');
      check.end(result);
      if (inputUnits > kind.maxInputUnits(input)) {
        throw new MeshError('bad_message', 'The volunteer counted more tokens than the question can hold.');
      }
      const receipt = await this.#countersign(reply.receipt, reply.result);
      // A last unit may have had nothing to show, but then both would have signed for the same.
      if (receipt === 'refused' && units > this.units) {
        throw new MeshError('receipt_refused', 'The volunteer left out a part of the answer.');
      }
      const path = (await this.channel?.path()) ?? null;
      if (this.#ended) return;
      this.cancel();
      this.#tell({ type: 'whole', whole: { result, inputUnits, units, path, receipt } });
    } catch (thrown) {
      this.fail(asMeshError(thrown, 'identity_unusable', KEY_FAILED));
    }
  }

  /** What came stays valid, whatever this returns. Throws identity_unusable. */
  async #countersign(
    providerHalf: Uint8Array<ArrayBuffer> | null,
    result: Uint8Array,
  ): Promise<Whole<Result>['receipt']> {
    if (providerHalf === null || this.#received === null) return 'none';
    try {
      const { half, proof } = await this.#received.countersign(providerHalf, result);
      this.channel?.send({ kind: 'TASK_RECEIPT', taskId: this.#taskId, receipt: half });
      this.#needs.filer.file(proof);
      this.#signed(providerHalf, half);
      return 'signed';
    } catch (thrown) {
      const error = asMeshError(thrown, 'identity_unusable', KEY_FAILED);
      if (error.code === 'receipt_refused') return 'refused';
      throw error;
    }
  }
}

/** The fault is ours, and concerns this question alone. */
function cannotBeSent(begun: boolean): MeshError {
  if (begun) return cannotGoOn();
  return new MeshError('prompt_too_long', 'This question is too long to send. Shorten it.');
}
