/** This peer's end of the control plane: what we offer, who can answer, and what was delivered. */
import { toBase32 } from '../base/base32.ts';
import { Emitter } from '../base/emitter.ts';
import { ControlConnection, type ControlOptions, type ControlState } from './control-connection.ts';
import {
  type Challenge,
  type Filing,
  type FromServer,
  type Offers,
  type Welcome,
  type QueuePosition,
} from '../wire/control-protocol.ts';
import type { AccountNews, CheckpointNews } from '../wire/credit-messages.ts';
import type { AuditCall, ProveCall, QuestionCall, Standing } from '../wire/audit-messages.ts';
import { taskOf, type ModelAdvert } from '../wire/model-advert.ts';
import type { OfferRef } from '../policy/offer-key.ts';
import type { OrderBody } from '../ledger/order.ts';
import { ControlRequests } from './control-requests.ts';
import { MeshError } from '../base/errors.ts';
import type { ContentId, NetworkId, PeerId } from '../base/ids.ts';
import { giveOrder, type OrderSigner } from './give-order.ts';
import { ServerTime } from './server-time.ts';
import type { Candidate, Held, HeldBy, Keeps, Kept, Leased } from '../wire/candidate.ts';
import { HeldModels } from './held-models.ts';
import { matchRequest, type MatchQuestion } from './match-question.ts';
import { OwnOffers, type BusyReport } from './own-offers.ts';

export interface ControlEvents {
  state: [state: ControlState];
  offers: [offers: Offers];
  /** Comes with every welcome, so again after each reconnection, with another token for `/signal`. */
  welcome: [welcome: Welcome];
  /** The control plane now names different WebRTC servers from those in its welcome. */
  iceServers: [iceServers: Welcome['iceServers']];
  /** A peer wants a relayed link to us. */
  call: [peer: PeerId, ticket: string];
  /** A provider that we were told about is gone, or away from the control plane. */
  gone: [peer: PeerId];
  /** Our last message was refused, such as an advert with impossible values. */
  refused: [error: MeshError];
  /** This model of ours will be asked soon: see `expect` of `control-protocol.ts`. A mere claim, about any model. */
  expect: [offer: Required<OfferRef>];
  /** Models that others need copies of: see `keep` of `candidate.ts`. A mere wish. */
  keep: [contents: readonly Kept[]];
  /** Somebody's copy of a model is to be checked: see `prove` of `audit-messages.ts`. Its draw is not checked yet. */
  prove: [call: ProveCall];
  /** Answers of ours are to be checked: see `audit` of `control-protocol.ts`. Its draw and its lease are not checked yet. */
  audit: [audit: AuditCall];
  /** Somebody wants to be tested: see `question` of `audit-messages.ts`. */
  question: [question: QuestionCall];
  /** How our own answers with a model stand. */
  standing: [standing: Standing];
  /** Our credits. A mere claim, until it is recounted. */
  account: [account: AccountNews];
  /** The log's latest checkpoint. Its signatures are not checked yet. */
  checkpoint: [checkpoint: CheckpointNews];
}

export class ControlClient extends Emitter<ControlEvents> {
  /** The mesh's latest offers; null before the first. Kept while the connection is away. */
  offers: Offers | null = null;
  /** The last welcome, with the newest servers for WebRTC; null before the first. */
  welcome: Welcome | null = null;
  /** Our credits, as the mesh last said; null: it has none, or has said nothing yet. */
  account: AccountNews | null = null;
  /** The key whose leases count here; null before the first welcome. */
  issuer: PeerId | null = null;

  readonly #time: ServerTime;
  readonly #connection: ControlConnection;
  readonly #requests: ControlRequests;
  readonly #own: OwnOffers;
  readonly #held: HeldModels;
  /** Of the last order: no two have the same. */
  #orderMs = 0;
  /** Proposals and ballots that are under way. */
  #voting = 0;
  readonly #self: Pick<Candidate, 'peerId' | 'agent'>;

  constructor(options: ControlOptions) {
    super();
    this.#time = new ServerTime(options.clock);
    this.#self = { peerId: options.identity.peerId, agent: options.agent };
    this.#connection = new ControlConnection(options, {
      state: (state) => this.#turned(state),
      welcome: (welcome, askedMs) => this.#welcomed(welcome, askedMs),
      message: (message) => this.#take(message),
      lost: () => this.#lost(),
    });
    this.#requests = new ControlRequests(
      options.clock,
      (message) => this.#connection.send(message),
      (sinceMs) => this.#connection.doubt(sinceMs),
    );
    this.#own = new OwnOffers({
      clock: options.clock,
      isOpen: () => this.state === 'open',
      send: (message) => this.#connection.send(message),
    });
    this.#held = new HeldModels(options.clock, (message) => {
      if (this.state === 'open') this.#connection.send(message);
    });
  }

  /** The network whose control plane this is; null: it has no genesis, or has said nothing yet. */
  get network(): NetworkId | null {
    return this.#connection.network;
  }

  get state(): ControlState {
    return this.#connection.state;
  }

  /** Why the control plane refuses us; null while it does not. */
  get refusal(): MeshError | null {
    return this.#connection.refusal;
  }

  /** The control plane's time, in milliseconds since 1970; null while it is not known. */
  get serverNowMs(): number | null {
    return this.#time.nowMs;
  }

  /** A proposal or a ballot of ours is on its way into the ledger. */
  get isVoting(): boolean {
    return this.#voting > 0;
  }

  /** Our offers as others see them. */
  get advertised(): Candidate[] {
    return this.#own.seen.map((offer) => ({ ...this.#self, ...offer }));
  }

  /** Connects, and reconnects whenever the connection breaks, until `close`. */
  start(): void {
    this.#connection.start();
  }

  /** Offers these models from now on; an empty list takes the offer back. Kept over reconnections. */
  advertise(models: ModelAdvert[], slots: number, certificate: string | null = null): void {
    this.#own.advertise(models, slots, certificate);
  }

  /** Describes the offered models differently from now on. Has no effect while nothing is offered. */
  describe(models: ModelAdvert[]): void {
    this.#own.describe(models);
  }

  /** Reports how busy we are, at once when slots or queue changed, otherwise with the next heartbeat. */
  report(report: BusyReport): void {
    this.#own.report(report);
  }

  /**
   * The control plane's shortlist, best first, each with a lease for this task. `queued` hears our position in the
   * queue while all are busy. Rejects with control_unreachable, control_refused, busy or cancelled.
   */
  async match(
    question: MatchQuestion,
    signal: AbortSignal,
    queued: ((place: QueuePosition) => void) | null = null,
  ): Promise<Leased[]> {
    if (this.state !== 'open') await this.#connection.whenOpen(signal);
    const { lease, candidates } = await this.#requests.ask<'match'>(matchRequest(question), signal, queued);
    return lease === null ? [] : candidates.map((candidate) => ({ ...candidate, lease }));
  }

  /** Asks the server to keep what was delivered. Rejects with control_unreachable, receipt_refused or cancelled. */
  async file(filing: Filing, signal: AbortSignal): Promise<void> {
    if (this.state !== 'open') await this.#connection.whenOpen(signal);
    await this.#requests.ask<'file'>({ type: 'file', ...filing }, signal);
  }

  /** Asks the server to keep what we found as an auditor. Rejects like `file`. */
  async fileReport(report: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.state !== 'open') await this.#connection.whenOpen(signal);
    await this.#requests.ask<'report'>({ type: 'report', report: toBase32(report) }, signal);
  }

  /** Asks the server to take what we found at a keeper. Rejects like `file`. */
  async fileKept(report: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.state !== 'open') await this.#connection.whenOpen(signal);
    await this.#requests.ask<'kept'>({ type: 'kept', report: toBase32(report) }, signal);
  }

  /**
   * From now on, until the connection breaks, `checkpoint` has the proof that the log continues the checkpoint of this
   * size, which we signed last; 0: none yet. Say so again after each welcome.
   */
  witness(size: number): void {
    if (this.state === 'open') this.#connection.send({ type: 'witness', size });
  }

  /** Our line under the checkpoint of this size. */
  cosign(size: number, line: string): void {
    if (this.state === 'open') this.#connection.send({ type: 'cosign', size, line });
  }

  /**
   * Has this carried out for whoever `sign` signs for: it is in the ledger when this resolves. Sends the same bytes again when
   * the connection breaks, and they count once. Rejects with order_refused, credits_short, rate_limited, unsupported where
   * the mesh has no credits, control_unreachable or cancelled.
   */
  async order(body: OrderBody, sign: OrderSigner, signal: AbortSignal): Promise<void> {
    const votes = body.kind === 'vote' || body.kind === 'propose';
    if (votes) this.#voting++;
    try {
      const send = (order: string) => this.#requests.ask<'order'>({ type: 'order', order }, signal);
      await giveOrder(
        { whenOpen: () => this.#connection.whenOpen(signal), head: () => this.#orderHead(), send },
        (head) => sign(body, head),
      );
    } finally {
      if (votes) this.#voting--;
    }
  }

  /** A ticket for our end of a relayed link to `peer`. Rejects with connect_failed, control_unreachable, cancelled. */
  async relay(peer: PeerId, signal: AbortSignal): Promise<string> {
    if (this.state !== 'open') await this.#connection.whenOpen(signal);
    return (await this.#requests.ask<'relay'>({ type: 'relay', peer }, signal)).ticket;
  }

  /**
   * From now on we say that we have these models, those used last first. Replaces what we said before; kept over
   * reconnections. `certificate`: as for `advertise`.
   */
  hold(held: readonly Held[], certificate: string | null = null): void {
    this.#held.hold(held, certificate);
  }

  /** From now on we keep models for others, in so much room; null: no more. Kept over reconnections. */
  keeps(keeps: Keeps | null): void {
    this.#held.keeps(keeps);
  }

  /**
   * Some that say they have this model, in no order but that those which have all of it come first; a content id of null: any
   * whose only file has this SHA-256. Rejects with control_unreachable, rate_limited or cancelled.
   */
  async holders(
    { content, sha256 }: { content: ContentId | null; sha256: string | null },
    signal: AbortSignal,
  ): Promise<HeldBy[]> {
    if (this.state !== 'open') await this.#connection.whenOpen(signal);
    return (await this.#requests.ask<'holders'>({ type: 'holders', content, sha256 }, signal)).holders;
  }

  /** Says goodbye. Idempotent. */
  close(): void {
    this.#held.stop();
    this.#connection.close();
  }

  /** Null: the server does not tell its time, so it is too old to know of orders. */
  #orderHead(): { issuer: PeerId; ms: number } | null {
    const nowMs = this.serverNowMs;
    if (this.issuer === null || nowMs === null) return null;
    this.#orderMs = Math.max(this.#orderMs + 1, nowMs);
    return { issuer: this.issuer, ms: this.#orderMs };
  }

  #welcomed(welcome: Welcome, askedMs: number): void {
    this.#time.heard(welcome.now, askedMs);
    this.welcome = welcome;
    this.issuer = welcome.issuer;
    this.emit('welcome', welcome);
  }

  #turned(state: ControlState): void {
    this.emit('state', state);
    // A listener may have closed it.
    if (this.state !== 'open' || this.welcome === null) return;
    this.#own.begin(this.welcome.heartbeatMs);
    this.#held.say();
  }

  #lost(): void {
    this.#own.stop();
    this.#requests.lost();
  }

  #take(message: Exclude<FromServer, Challenge | Welcome>): void {
    switch (message.type) {
      case 'ice':
        if (this.welcome !== null) this.welcome = { ...this.welcome, iceServers: message.iceServers };
        this.emit('iceServers', message.iceServers);
        break;
      case 'call':
        this.emit('call', message.peer, message.ticket);
        break;
      case 'gone':
        this.emit('gone', message.peer);
        break;
      case 'expect':
        this.emit('expect', { task: taskOf(message), model: message.model });
        break;
      case 'keep':
        this.emit('keep', message.contents);
        break;
      case 'prove':
        this.emit('prove', message);
        break;
      case 'audit':
        this.emit('audit', message);
        break;
      case 'question':
        this.emit('question', message);
        break;
      case 'standing':
        this.emit('standing', message);
        break;
      case 'account':
        this.account = message.mode === 'off' ? null : message;
        this.emit('account', message);
        break;
      case 'checkpoint':
        this.emit('checkpoint', message);
        break;
      case 'offers':
        this.offers = message;
        if (message.now !== undefined) this.#time.overheard(message.now);
        this.emit('offers', message);
        break;
      case 'matched':
      case 'filed':
      case 'relayed':
      case 'held':
        this.#requests.answered(message);
        break;
      case 'queued':
        this.#requests.queued(message);
        break;
      case 'refused':
        if (message.requestId === undefined) {
          this.emit('refused', new MeshError(message.code, message.message));
          break;
        }
        this.#requests.refused(message.requestId, new MeshError(message.code, message.message));
        break;
      default:
        message satisfies never;
    }
  }
}
