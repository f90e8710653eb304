/** A peer of the mesh: asks, provides, or both, over one control connection and one transport. */
import type { Clock } from './clock.ts';
import type { ControlClient } from './control.ts';
import { Deliveries } from './deliveries.ts';
import type { MeshError } from './errors.ts';
import type { Identity } from './identity.ts';
import type { PeerId } from './ids.ts';
import { Links } from './links.ts';
import { ReceiptFiler } from './receipt-filer.ts';
import type { ReceiptKeeper } from './receipt-keeper.ts';
import { Requester, type AnswerEvent, type AskRequest } from './requester.ts';
import type { Channel, Message } from './channel.ts';
import type { Transport } from './transport.ts';
import { TaskWorker, type ServedModel, type WorkerStatus } from './worker.ts';

export interface MeshOptions {
  control: ControlClient;
  transport: Transport;
  identity: Identity;
  receipts: {
    /** Closed with the mesh. */
    keeper: ReceiptKeeper;
    /** See `ReceiptFilerOptions`. */
    failed: (error: MeshError) => void;
  };
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  random: () => number;
}

export interface ProvideOptions {
  models: ServedModel[];
  /** The owner's own limit for each answer. Left out: as fast as it goes. */
  maxTokensPerSecond?: number | null;
  /** See `TaskWorkerOptions`. Left out: refuse. */
  withoutLease?: 'refuse' | 'accept';
  onStatus: (status: WorkerStatus) => void;
  onFailure: (error: MeshError) => void;
}

export interface Providing {
  readonly status: WorkerStatus;
  /** Tells the mesh and the requesters, and resolves when the engines are at rest. Idempotent. */
  stop(): Promise<void>;
}

export class Mesh {
  readonly self: PeerId;
  readonly control: ControlClient;
  #clock: Clock;
  #now: () => number;
  #filer: ReceiptFiler;
  #deliveries: Deliveries;
  #transport: Transport;
  #links: Links;
  #requester: Requester;
  #worker: TaskWorker | null = null;

  constructor(options: MeshOptions) {
    const { control, transport, identity, receipts, clock, now, random } = options;
    this.self = transport.self;
    this.control = control;
    this.#clock = clock;
    this.#now = now;
    const file = control.file.bind(control);
    this.#filer = new ReceiptFiler({ ...receipts, file, clock, random });
    const filer = this.#filer;
    this.#deliveries = new Deliveries({ identity, clock, now, issuer: () => control.issuer, filer });
    filer.start();
    this.#transport = transport;
    this.#links = new Links(transport, clock, {
      message: (channel, message) => this.#dispatch(channel, message),
      closed: (channel, reason) => {
        this.#requester.channelClosed(channel, reason);
        this.#worker?.channelClosed(channel);
        this.#deliveries.channelClosed(channel);
      },
    });
    this.#requester = new Requester({
      identity,
      filer,
      links: this.#links,
      clock,
      random,
      // A peer that asks for a model it lends itself would dial itself.
      match: async (question, signal) => {
        const leased = await control.match({ ...question, exclude: [...question.exclude, this.self] }, signal);
        for (const { peerId, certificate } of leased) if (certificate !== null) transport.learn?.(peerId, certificate);
        return leased;
      },
    });
  }

  /** See `Requester.ask`. */
  ask(request: AskRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    return this.#requester.ask(request, signal);
  }

  /** Offers these loaded models to everyone, as soon as we can be dialled. One at a time: stop the one before first. */
  provide(options: ProvideOptions): Providing {
    const { control } = this;
    const worker = new TaskWorker({
      clock: this.#clock,
      now: this.#now,
      deliveries: this.#deliveries,
      withoutLease: options.withoutLease ?? 'refuse',
      models: options.models,
      maxTokensPerSecond: options.maxTokensPerSecond ?? null,
      onFailure: options.onFailure,
      onStatus: (status) => {
        if (this.#worker === worker) {
          control.report({
            busySlots: status.busySlots,
            queued: status.queued,
            tokens: status.tokens,
            tokensPerSecond: status.typicalTokensPerSecond,
          });
        }
        options.onStatus(status);
      },
    });
    this.#worker = worker;
    const adverts = options.models.map((model) => model.advert);
    const stopped = new AbortController();
    this.#transport.reachable(stopped.signal).then(
      () => {
        if (!stopped.signal.aborted) control.advertise(adverts, worker.status.slots, this.#transport.certificate);
      },
      () => {
        // Stopped, or left, before anyone could come.
      },
    );
    return {
      get status() {
        return worker.status;
      },
      stop: async () => {
        stopped.abort();
        if (this.#worker === worker) {
          control.advertise([], 0);
          this.#worker = null;
        }
        await worker.stop();
      },
    };
  }

  /**
   * Leaves: goodbye to the server, every link closed. What runs breaks off. Resolves when the receipts that are not filed
   * are kept. Idempotent.
   */
  async close(): Promise<void> {
    this.control.close();
    this.#links.close();
    this.#deliveries.close();
    await this.#filer.close();
  }

  #dispatch(channel: Channel, message: Message): void {
    switch (message.kind) {
      case 'TASK_REQUEST':
        if (this.#worker !== null) this.#worker.request(channel, message);
        else {
          channel.send({
            kind: 'TASK_ERROR',
            taskId: message.taskId,
            code: 'provider_stopped',
            message: 'This volunteer is not lending right now.',
          });
        }
        break;
      case 'TASK_CANCEL':
        this.#worker?.cancel(channel, message.taskId);
        break;
      case 'TASK_ACCEPTED':
      case 'TASK_CHUNK':
      case 'TASK_RESPONSE':
      case 'TASK_ERROR':
        this.#requester.handle(channel, message);
        break;
      case 'TASK_ACK':
        this.#deliveries.acknowledged(channel, message);
        break;
      case 'TASK_RECEIPT':
        this.#deliveries.receipted(channel, message);
        break;
      default:
        message satisfies never;
    }
  }
}
