/** A peer of the mesh: asks, provides, or both, over one control connection and one transport. */
import type { Clock } from './base/clock.ts';
import { ControlAbsence } from './control/control-absence.ts';
import type { ControlClient } from './control/control.ts';
import { Deliveries } from './provide/deliveries.ts';
import type { Quote } from './ask/bill.ts';
import type { Embedded, EmbedRequest } from './ask/embedding-parts.ts';
import type { RunEvent, RunRequest } from './ask/running.ts';
import type { TaskKind } from './tasks/task-kind.ts';
import { TaskKinds } from './tasks/task-kinds.ts';
import type { MeshError } from './base/errors.ts';
import { HarmfulInputs } from './provide/harmful-inputs.ts';
import { verify as verifyInScript, type Identity } from './identity/identity.ts';
import type { PeerId } from './base/ids.ts';
import { Introductions } from './peers/introductions.ts';
import { Checkpoints } from './peers/checkpoints.ts';
import { KnownProviders } from './peers/known-providers.ts';
import { Links, type LinkEvents } from './peers/links.ts';
import { Matching } from './ask/matching.ts';
import { Neighbours } from './peers/neighbours.ts';
import { PeerExchange } from './peers/peer-exchange.ts';
import { ReceiptFiler, type ReceiptFilerOptions } from './receipts/receipt-filer.ts';
import { ReportFiler } from './provide/report-filer.ts';
import { auditTask } from './tasks/audit-task.ts';
import { Requester } from './ask/requester.ts';
import type { Channel, Message } from './peers/channel.ts';
import { isSwarmMessage } from './wire/swarm-protocol.ts';
import type { Transport } from './transport/transport.ts';
import { TaskWorker } from './provide/worker.ts';
import type { AnswerGiven, WorkerStatus } from './provide/worker-status.ts';
import type { ServedModel } from './provide/task.ts';
import type { AnswerEvent, AskRequest } from './ask/answer.ts';
import type { Verifier } from './policy/attestation.ts';
import { Keeper, type KeepConsent } from './models/keeping/keeper.ts';
import { Swarm, type SwarmOptions } from './models/swarm/swarm.ts';

export interface MeshOptions {
  control: ControlClient;
  transport: Transport;
  /** How answers go to those who check them, see `DiscreetTransport`. Left out: over the same links as everything else. */
  discreet?: Transport;
  identity: Identity;
  /** Checks signatures as strictly as `verify` but faster, where the host can. Left out: in JavaScript. */
  verify?: typeof verifyInScript;
  /** The keeper is closed with the mesh. */
  receipts: Pick<ReceiptFilerOptions, 'keeper' | 'failed' | 'changed'>;
  /** Those of the transport; left out: this peer introduces others, and nobody introduces it. */
  introductions?: Introductions;
  /** The number of links to other providers to keep while we provide, see `neighbours.ts`. Left out: none. */
  neighbours?: () => number;
  /** The kinds of tasks that it does, beside our own. To ask for one, hand it to `run`. */
  kinds?: readonly TaskKind[];
  /** Those who can tell whether attestations of a vendor or a system hold. Left out: nobody can, and they count for nothing. */
  verifiers?: readonly Verifier[];
  /** Where models lie on this device and what its owner lends of them. Left out: models neither come from peers nor go to them. */
  models?: ModelSharing;
  clock: Clock;
  /** Milliseconds since 1970, for when the control plane does not say it. */
  now: () => number;
  random: () => number;
}

export type ModelSharing = Pick<SwarmOptions, 'store' | 'holders' | 'hasher' | 'limits' | 'sentToday' | 'failed'> & {
  /** What its owner agreed to keep for others. Left out: nothing. */
  keep?: KeepConsent;
};

export interface ProvideOptions {
  models: ServedModel[];
  /** The owner's own limit for each answer, read when it begins. Left out: as fast as possible. */
  maxTokensPerSecond?: number | null;
  /** The owner's own limit for the time in which an engine works, above 0 to 1, read when an answer begins. Left out: all of it. */
  maxShare?: number;
  /** Others can dial us, and the mesh has been told about the models. Left out: nobody minds. */
  onOffered?: () => void;
  onStatus: (status: WorkerStatus) => void;
  /** An answer ended, however it did. Left out: nobody minds. */
  onAnswer?: (given: AnswerGiven) => void;
  onFailure: (error: MeshError) => void;
  /** The engine stopped responding. The offer and all tasks were given back: stop, and start it again. */
  onHang: (error: MeshError) => void;
}

export interface Providing {
  readonly status: WorkerStatus;
  /** Tells the mesh what the adverts of the models say now. */
  describe(): void;
  /** Tells the mesh and the requesters, and resolves when the engines are at rest. Idempotent. */
  stop(): Promise<void>;
  /** Takes the offer back, and resolves when the answers that were begun are written. Call `stop` after it. Idempotent. */
  finish(): Promise<void>;
}

export class Mesh {
  readonly self: PeerId;
  readonly control: ControlClient;
  /** The log's checkpoints, as we and our peers were shown them. */
  readonly checkpoints: Checkpoints;
  /** Models from and for peers; null: see `MeshOptions.models`. */
  readonly swarm: Swarm | null;
  /** Keeps models for others; null: its owner did not agree to that. */
  readonly keeper: Keeper | null;
  #clock: Clock;
  #now: () => number;
  #filer: ReceiptFiler;
  #reports: ReportFiler;
  #deliveries: Deliveries;
  #transport: Transport;
  #links: Links;
  /** To those who check our answers. */
  #auditLinks: Links;
  #requester: Requester;
  #known: KnownProviders;
  #exchange: PeerExchange;
  #introductions: Introductions;
  #neighbours: Neighbours;
  #absence: ControlAbsence;
  #worker: TaskWorker | null = null;
  readonly #harmful: HarmfulInputs;
  readonly #kinds: TaskKinds;

  constructor(options: MeshOptions) {
    const { control, transport, identity, receipts, clock, now, random, verify = verifyInScript } = options;
    this.self = transport.self;
    this.control = control;
    this.#clock = clock;
    this.#harmful = new HarmfulInputs(clock);
    // The clock of the leases' issuer counts.
    this.#now = () => control.serverNowMs ?? now();
    const file = control.file.bind(control);
    this.#filer = new ReceiptFiler({ ...receipts, file, clock, random });
    const filer = this.#filer;
    this.#reports = new ReportFiler({ file: control.fileReport.bind(control), failed: receipts.failed, clock, random });
    const issuer = () => control.issuer;
    const audit = auditTask({
      ...{ identity, verify, issuer, file: (report) => this.#reports.file(report) },
      doubt: (evidence, about) => this.#requester.doubt(evidence, about),
    });
    this.#kinds = new TaskKinds([audit, ...(options.kinds ?? [])]);
    this.#deliveries = new Deliveries({ identity, verify, clock, now: this.#now, issuer, filer });
    filer.start();
    this.#transport = transport;
    this.#introductions = options.introductions ?? new Introductions(clock);
    const said: Pick<LinkEvents, 'message' | 'closed'> = {
      message: (channel, message) => this.#dispatch(channel, message),
      closed: (channel, reason) => {
        this.#requester.channelClosed(channel, reason);
        this.#worker?.channelClosed(channel);
        this.#deliveries.channelClosed(channel);
        this.#introductions.channelClosed(channel);
        this.#exchange.channelClosed(channel);
        this.swarm?.channelClosed(channel);
      },
    };
    this.#links = new Links(transport, clock, {
      ...said,
      opened: (channel) => {
        this.#exchange.opened(channel);
        this.swarm?.channelOpened(channel);
      },
    });
    const { discreet } = options;
    this.#auditLinks = discreet === undefined ? this.#links : new Links(discreet, clock, { ...said, opened: () => {} });
    this.swarm =
      options.models === undefined
        ? null
        : new Swarm({
            ...options.models,
            self: this.self,
            certificate: transport.certificate ?? null,
            connect: (peer, signal) => this.#links.open(peer, signal),
            learn: (peer, certificate) => transport.learn?.(peer, certificate),
            clock,
            now: this.#now,
            random,
          });
    const keep = options.models?.keep;
    this.keeper =
      this.swarm === null || options.models === undefined || keep === undefined
        ? null
        : new Keeper({
            ...{ control, identity, verify, clock, swarm: this.swarm, store: options.models.store, consent: keep },
            failed: receipts.failed,
          });
    this.#known = new KnownProviders(this.self, () => clock.now());
    this.checkpoints = new Checkpoints(clock);
    control.on('checkpoint', (checkpoint) => this.checkpoints.shown(checkpoint));
    this.#exchange = new PeerExchange({
      links: this.#links,
      known: this.#known,
      checkpoints: this.checkpoints,
      clock,
      ours: () => (transport.learn === undefined ? control.advertised : null),
    });
    const { neighbours = () => 0 } = options;
    this.#neighbours = new Neighbours({
      links: this.#links,
      known: this.#known,
      exchange: this.#exchange,
      clock,
      random,
      wanted: () => (this.#worker !== null && control.state === 'open' ? neighbours() : 0),
    });
    this.#introductions.linkTo = (peer) => this.#links.to(peer);
    this.#introductions.through = (peer) => {
      const linked = this.#known.linkedTo(peer);
      const others = this.#links.all().filter((channel) => channel.peer !== peer);
      return others.toSorted((a, b) => Number(linked.has(b.peer)) - Number(linked.has(a.peer)));
    };
    this.#absence = new ControlAbsence(clock, (away) => {
      this.#links.keepIdle = away;
      if (away) this.#exchange.askAll();
    });
    control.on('gone', (peer) => {
      this.#requester.gone(peer);
      this.#links.gone(peer);
    });
    control.on('state', (state) => this.#absence.turned(state));
    this.#absence.turned(control.state);
    const matching = new Matching({
      control,
      absence: this.#absence,
      known: this.#known,
      links: this.#links,
      transport,
      verifiers: options.verifiers ?? [],
      now: this.#now,
    });
    this.#requester = new Requester({
      identity,
      verify,
      filer,
      links: this.#links,
      clock,
      random,
      offers: () => control.offers?.models ?? [],
      match: (question, signal, queued) => matching.match(question, signal, queued),
      gifts: this.swarm,
      checks: {
        ...{ task: audit, issuer, links: this.#auditLinks },
        learn: (peer, certificate) => transport.learn?.(peer, certificate),
      },
    });
    control.on('audit', (call) => this.#requester.audit(call));
    control.on('offers', ({ shunned = [] }) => this.#known.shun(shunned));
  }

  /** See `Requester.ask`. */
  ask(request: AskRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    return this.#requester.ask(request, signal);
  }

  /** See `Requester.quote`. */
  quote(request: AskRequest): Quote | null {
    return this.#requester.quote(request);
  }

  /** See `Requester.run`. */
  run<Input, Piece, Result>(
    kind: TaskKind<Input, Piece, Result>,
    request: RunRequest<Input>,
    signal: AbortSignal,
  ): AsyncGenerator<RunEvent<Piece, Result>, void, undefined> {
    return this.#requester.run(kind, request, signal);
  }

  /** See `Requester.embed`. */
  embed(request: EmbedRequest, signal: AbortSignal): Promise<Embedded> {
    return this.#requester.embed(request, signal);
  }

  /** Offers these loaded models to everyone, as soon as we can be dialled. One at a time: stop the previous first. */
  provide(options: ProvideOptions): Providing {
    const { control } = this;
    const worker = new TaskWorker({
      clock: this.#clock,
      now: this.#now,
      deliveries: this.#deliveries,
      withoutLease: () => this.#absence.away,
      models: options.models,
      kinds: this.#kinds,
      harmful: this.#harmful,
      get maxTokensPerSecond() {
        return options.maxTokensPerSecond ?? null;
      },
      get maxShare() {
        return options.maxShare ?? 1;
      },
      onFailure: options.onFailure,
      ...(options.onAnswer !== undefined && { onAnswer: options.onAnswer }),
      onHang: (error) => {
        if (this.#worker === worker) control.advertise([], 0);
        options.onHang(error);
      },
      onStatus: (status) => {
        if (this.#worker === worker) {
          control.report({
            busySlots: status.busySlots,
            queued: status.queued,
            units: status.tokens,
            unitsPerSecond: status.typicalTokensPerSecond,
          });
        }
        options.onStatus(status);
      },
    });
    this.#worker = worker;
    const stopped = new AbortController();
    this.#transport.reachable(stopped.signal).then(
      () => {
        if (stopped.signal.aborted) return;
        const adverts = options.models.map((model) => model.advert);
        control.advertise(adverts, worker.status.slots, this.#transport.certificate);
        options.onOffered?.();
      },
      () => {
        // Stopped, or left, before anyone could come.
      },
    );
    return {
      get status() {
        return worker.status;
      },
      describe: () => {
        if (this.#worker === worker) control.describe(options.models.map(({ advert }) => advert));
      },
      stop: async () => {
        stopped.abort();
        if (this.#worker === worker) {
          control.advertise([], 0);
          this.#worker = null;
        }
        await worker.stop();
      },
      finish: async () => {
        stopped.abort();
        if (this.#worker === worker) control.advertise([], 0);
        await worker.finish();
      },
    };
  }

  /**
   * Leaves: says goodbye to the server, and closes every link. Running work breaks off. Resolves when unfiled receipts
   * are kept. Idempotent.
   */
  async close(): Promise<void> {
    this.control.close();
    this.#neighbours.close();
    this.#auditLinks.close();
    this.#links.close();
    this.#deliveries.close();
    this.#requester.close();
    // It fetches through the swarm, and files what it found.
    await this.keeper?.close();
    await Promise.all([this.#filer.close(), this.#reports.close(), this.swarm?.close()]);
  }

  #dispatch(channel: Channel, message: Message): void {
    if (isSwarmMessage(message)) {
      this.swarm?.handle(channel, message);
      return;
    }
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
      case 'REQUEST_PEERS':
      case 'KNOWN_PEERS':
        this.#exchange.handle(channel, message);
        break;
      case 'INTRODUCE':
      case 'INTRODUCED':
      case 'INTRODUCTION':
        this.#introductions.handle(channel, message);
        break;
      default:
        message satisfies never;
    }
  }
}
