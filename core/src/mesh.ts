/** A peer of the mesh: asks, provides, or both, over one control connection and one transport. */
import type { Clock } from './clock.ts';
import type { ControlClient } from './control.ts';
import type { MeshError } from './errors.ts';
import type { PeerId } from './ids.ts';
import { Links } from './links.ts';
import { Requester, type AnswerEvent, type AskRequest } from './requester.ts';
import type { Channel, Message } from './channel.ts';
import type { Transport } from './transport.ts';
import { TaskWorker, type ServedModel, type WorkerStatus } from './worker.ts';

export interface MeshOptions {
  control: ControlClient;
  transport: Transport;
  clock: Clock;
  random: () => number;
}

export interface ProvideOptions {
  models: ServedModel[];
  /** The owner's own limit for each answer. Left out: as fast as it goes. */
  maxTokensPerSecond?: number | null;
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
  #transport: Transport;
  #links: Links;
  #requester: Requester;
  #worker: TaskWorker | null = null;

  constructor(options: MeshOptions) {
    const { control, transport, clock, random } = options;
    this.self = transport.self;
    this.control = control;
    this.#clock = clock;
    this.#transport = transport;
    this.#links = new Links(transport, clock, {
      message: (channel, message) => this.#dispatch(channel, message),
      closed: (channel, reason) => {
        this.#requester.channelClosed(channel, reason);
        this.#worker?.channelClosed(channel);
      },
    });
    this.#requester = new Requester({
      links: this.#links,
      clock,
      random,
      // A peer that asks for a model it lends itself would dial itself.
      match: (model, exclude, signal) => control.match(model, [...exclude, this.self], signal),
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
        if (!stopped.signal.aborted) control.advertise(adverts, worker.status.slots);
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

  /** Leaves: goodbye to the server, every link closed. What runs breaks off. Idempotent. */
  close(): void {
    this.control.close();
    this.#links.close();
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
      default:
        message satisfies never;
    }
  }
}
