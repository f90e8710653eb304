/** One provider at work on one answer, from dialling it to its last word. Tells what comes; decides nothing. */
import type { Channel } from '../peers/channel.ts';
import type { Clock } from '../base/clock.ts';
import { unreachable } from '../control/control-requests.ts';
import type { AnswerPrefix } from '../engine/engine.ts';
import { asMeshError, MeshError } from '../base/errors.ts';
import type { GrammarReader } from '../form/grammar-reader.ts';
import type { Identity, verify } from '../identity/identity.ts';
import { newTaskId, type TaskId } from '../base/ids.ts';
import type { Links } from '../peers/links.ts';
import { PieceCheck } from './piece-check.ts';
import type { DataMessage, TaskChunk, TaskReply } from '../protocol.ts';
import { cannotGoOn, saidByProvider } from './provider-failure.ts';
import type { ReceiptFiler } from '../receipts/receipt-filer.ts';
import { ReceivedAnswer } from './received-answer.ts';
import type { Leased } from '../wire/candidate.ts';
import type { AnswerSummary, TaskPart, Whole } from './answer.ts';

/** A provider says at once whether it takes a task; one that does not is broken. */
const ACCEPT_TIMEOUT_MS = 5_000;
/** A link that takes so long to make may take for ever. */
const LATE_MS = 2_500;
const KEY_FAILED = "This computer's key could not sign. Start again.";

export type AttemptEvent =
  /** It did not take the task in good time, and may yet. */
  | { type: 'late' }
  /** It took the task; `ahead` others come first. */
  | { type: 'accepted'; ahead: number }
  | { type: 'chunk'; chunk: TaskChunk }
  | { type: 'whole'; whole: Whole }
  /** Nothing further comes. */
  | { type: 'failed'; error: MeshError };

export interface AttemptNeeds {
  links: Links;
  identity: Identity;
  verify: typeof verify;
  filer: Pick<ReceiptFiler, 'file'>;
  clock: Clock;
  /** Sends the replies about this task here until the returned function is called. */
  listen: (taskId: TaskId, attempt: Attempt) => () => void;
}

export class Attempt {
  readonly candidate: Leased;
  /** Tokens of the answer that there were before it began. */
  readonly offset: number;
  /** Null while it is dialled. */
  channel: Channel | null = null;
  /** The provider has the question. */
  asked = false;
  /** The provider said that it would do it. */
  taken = false;
  /** Since when the provider works on it; null: others come first. */
  runsSinceMs: number | null = null;
  readonly #needs: AttemptNeeds;
  readonly #tell: (event: AttemptEvent) => void;
  readonly #taskId = newTaskId();
  readonly #answer: ReceivedAnswer;
  readonly #dialling = new AbortController();
  readonly #check: PieceCheck;
  #cleanUp: (() => void)[] = [];
  #stopTimer: (() => void) | null = null;
  #stopLate: () => void;
  #settled = false;
  #ended = false;

  /**
   * Begins at once: `part` is what this one is asked for; `form` has read `prefix`, null: the answer is free. Throws
   * lease_refused. `tell` is never called after `cancel`.
   */
  constructor(
    candidate: Leased,
    part: TaskPart,
    prefix: AnswerPrefix | null,
    needs: AttemptNeeds,
    tell: (attempt: Attempt, event: AttemptEvent) => void,
    form: GrammarReader | null = null,
  ) {
    this.candidate = candidate;
    this.offset = prefix?.tokens ?? 0;
    this.#needs = needs;
    this.#tell = (event) => tell(this, event);
    this.#check = new PieceCheck(part, form, candidate.model.embeds);
    const taskId = this.#taskId;
    this.#answer = new ReceivedAnswer({
      taskId,
      candidate,
      request: part,
      identity: needs.identity,
      verify: needs.verify,
      clock: needs.clock,
      ...(prefix !== null && { prefix: prefix.text }),
      acknowledge: (acknowledgement) => this.channel?.send({ kind: 'TASK_ACK', taskId, acknowledgement }),
      failed: (thrown) => this.fail(asMeshError(thrown, 'identity_unusable', KEY_FAILED)),
    });
    this.#stopLate = needs.clock.after(LATE_MS, () => this.#tell({ type: 'late' }));
    void this.#begin(part, prefix);
  }

  get tokens(): number {
    return this.#answer.tokens;
  }

  handle(reply: TaskReply): void {
    if (this.#ended) return;
    switch (reply.kind) {
      case 'TASK_ACCEPTED':
        this.#stopTimer?.();
        this.#stopLate();
        this.taken = true;
        if (reply.ahead === 0) this.runsSinceMs ??= this.#needs.clock.now();
        this.#tell({ type: 'accepted', ahead: reply.ahead });
        break;
      case 'TASK_CHUNK':
        try {
          this.#check.piece(reply);
          this.#answer.add(reply);
        } catch (thrown) {
          this.fail(asMeshError(thrown, 'bad_message', 'The volunteer sent something unreadable.'));
          return;
        }
        this.#tell({ type: 'chunk', chunk: reply });
        break;
      case 'TASK_RESPONSE':
        this.#settled = true;
        void this.#finish(reply);
        break;
      case 'TASK_ERROR':
        this.#settled = true;
        // Its own control plane is there, and ours is not.
        if (reply.code === 'lease_refused' && this.#answer.leaseBytes === null) this.fail(unreachable());
        // We read the schema before it did: its limits are other than ours, and the next one's need not be.
        else if (reply.code === 'bad_schema' && this.tokens === 0)
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

  /** As `fail`, and nothing is told. Idempotent. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#dialling.abort();
    if (!this.#settled) this.channel?.send({ kind: 'TASK_CANCEL', taskId: this.#taskId });
    // What came was delivered, however it ended.
    this.#answer.breakOff();
    this.#stopTimer?.();
    this.#stopLate();
    for (const clean of this.#cleanUp) clean();
    this.#cleanUp = [];
  }

  async #begin(part: TaskPart, prefix: AnswerPrefix | null): Promise<void> {
    const { links, clock, listen } = this.#needs;
    try {
      const channel = await links.open(this.candidate.peerId, this.#dialling.signal);
      if (this.#ended) return;
      this.channel = channel;
      this.#cleanUp.push(channel.hold(false), listen(this.#taskId, this));
      if (!channel.open) throw new MeshError('provider_lost', 'The volunteer closed the connection.');
      this.#stopTimer = clock.after(ACCEPT_TIMEOUT_MS, () =>
        this.fail(new MeshError('provider_lost', 'The volunteer did not accept the question.')),
      );
      this.#request(channel, part, prefix);
    } catch (thrown) {
      this.fail(asMeshError(thrown, 'connect_failed', 'Could not connect to that volunteer.'));
    }
  }

  /** Throws what `cannotBeSent` makes of it. */
  #request(channel: Channel, part: TaskPart, prefix: AnswerPrefix | null): void {
    const request: Omit<Extract<DataMessage, { kind: 'TASK_REQUEST' }>, 'prefix'> = {
      kind: 'TASK_REQUEST',
      taskId: this.#taskId,
      task: part.task ?? 'chat',
      model: part.model,
      turns: part.turns,
      sampling: part.sampling,
      ...(part.schema !== undefined && { schema: part.schema }),
      ...(part.adapter !== undefined && { adapter: part.adapter }),
      ...(part.logprobs !== undefined && { logprobs: part.logprobs }),
      maxTokens: part.maxTokens,
      lease: this.#answer.leaseBytes,
      salt: this.#answer.salt,
    };
    const ways = prefix === null ? [null] : [prefix.tokenIds, null].map((tokenIds) => ({ ...prefix, tokenIds }));
    for (const [at, way] of ways.entries()) {
      try {
        channel.send({ ...request, prefix: way });
        this.asked = true;
        return;
      } catch (thrown) {
        // Without the ids it may just fit.
        if (at === ways.length - 1) throw cannotBeSent(thrown, prefix !== null);
      }
    }
  }

  async #finish(reply: Extract<TaskReply, { kind: 'TASK_RESPONSE' }>): Promise<void> {
    const { finish, promptTokens, completionTokens } = reply;
    try {
      this.#check.end(finish);
      if (promptTokens > this.#answer.maxPromptTokens) {
        throw new MeshError('bad_message', 'The volunteer counted more tokens than the question can hold.');
      }
      const receipt = await this.#countersign(reply.receipt);
      // A last token may have had no text, but then both would have signed for the same.
      if (receipt === 'refused' && completionTokens > this.#answer.tokens) {
        throw new MeshError('receipt_refused', 'The volunteer left out a part of the answer.');
      }
      const path = (await this.channel?.path()) ?? null;
      if (this.#ended) return;
      this.cancel();
      this.#tell({ type: 'whole', whole: { finish, promptTokens, completionTokens, path, receipt } });
    } catch (thrown) {
      this.fail(asMeshError(thrown, 'identity_unusable', KEY_FAILED));
    }
  }

  /** The text is good, whatever comes of this. Throws identity_unusable. */
  async #countersign(providerHalf: Uint8Array | null): Promise<AnswerSummary['receipt']> {
    if (providerHalf === null) return 'none';
    try {
      const { half, proof } = await this.#answer.countersign(providerHalf);
      this.channel?.send({ kind: 'TASK_RECEIPT', taskId: this.#taskId, receipt: half });
      this.#needs.filer.file(proof);
      return 'signed';
    } catch (thrown) {
      const error = asMeshError(thrown, 'identity_unusable', KEY_FAILED);
      if (error.code === 'receipt_refused') return 'refused';
      throw error;
    }
  }
}

/** Ours, and of this question alone. */
function cannotBeSent(cause: unknown, begun: boolean): MeshError {
  if (begun) return cannotGoOn();
  return new MeshError('prompt_too_long', 'This question is too long to send. Shorten it.', { cause });
}
