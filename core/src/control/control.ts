/** This peer's end of the control plane: what we offer, who can answer, and what was delivered. */
import type { Needs } from '../policy/abilities.ts';
import { toBase32 } from '../base/base32.ts';
import { modelsThatFit } from './advert-size.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import { ControlConnection, type ControlOptions, type ControlState } from './control-connection.ts';
import {
  MAX_NAMED_PEERS,
  type Challenge,
  type Filing,
  type FromServer,
  type Offers,
  type Welcome,
  type QueuePosition,
} from '../wire/control-protocol.ts';
import type { AccountNews, CheckpointNews } from '../wire/credit-messages.ts';
import type { AuditCall, ProveCall, QuestionCall, Standing } from '../wire/audit-messages.ts';
import { CHAT, MAX_SLOTS, MAX_TOKENS_PER_SECOND, taskOf, type ModelAdvert } from '../wire/model-advert.ts';
import type { OfferRef } from '../policy/offer-key.ts';
import type { OrderBody } from '../ledger/order.ts';
import { PLAIN } from '../policy/price.ts';
import { ControlRequests } from './control-requests.ts';
import { MeshError } from '../base/errors.ts';
import type { ContentId, ModelId, PeerId } from '../base/ids.ts';
import { giveOrder, type OrderSigner } from './give-order.ts';
import { ServerTime } from './server-time.ts';
import type { Candidate, Held, HeldBy, Keeps, Kept, Leased } from '../wire/candidate.ts';
import { HeldModels } from './held-models.ts';

/** Only providers that meet these: see `Needs`. */
export interface MatchQuestion extends Needs {
  model: ModelId;
  maxUnits: number;
  /** See `policy/price.ts`. Left out: as for a plain task. */
  complexity?: number | undefined;
  /** Providers that were just tried. */
  exclude: readonly PeerId[];
  /** The only ones that may be asked; null: any. */
  only: readonly PeerId[] | null;
  /** The peer that has this conversation in its memory. */
  prefer: PeerId | null;
  /** The most that was shown: micro-credits for 1,000 units. Left out: any price. */
  maxPrice?: number | undefined;
}

export interface BusyReport {
  busySlots: number;
  queued: number;
  /** Units of work done since the provider began. */
  units: number;
  unitsPerSecond: number | null;
}

const NOTHING_TO_REPORT: BusyReport = { busySlots: 0, queued: 0, units: 0, unitsPerSecond: null };

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

  readonly #clock: Clock;
  readonly #time: ServerTime;
  readonly #connection: ControlConnection;
  readonly #requests: ControlRequests;
  readonly #held: HeldModels;
  #stopBeat: (() => void) | null = null;
  #heartbeatMs = 1_000;
  #advert: { models: ModelAdvert[]; slots: number; certificate: string | null } | null = null;
  #report: BusyReport = NOTHING_TO_REPORT;
  #reportedUnits = 0;
  /** Of the last order: no two have the same. */
  #orderMs = 0;
  /** Proposals and ballots that are under way. */
  #voting = 0;
  readonly #self: Pick<Candidate, 'peerId' | 'agent'>;

  constructor(options: ControlOptions) {
    super();
    this.#clock = options.clock;
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
    this.#held = new HeldModels(options.clock, (message) => {
      if (this.state === 'open') this.#connection.send(message);
    });
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
    const { models, slots, certificate } = this.#advert ?? { models: [], slots: 0, certificate: null };
    const rest = { slots, busySlots: 0, queued: 0, reliability: 1, certificate };
    return models.map((model) => ({ ...this.#self, model, ...rest }));
  }

  /** Connects, and reconnects whenever the connection breaks, until `close`. */
  start(): void {
    this.#connection.start();
  }

  /** Offers these models from now on; an empty list takes the offer back. Kept over reconnections. */
  advertise(models: ModelAdvert[], slots: number, certificate: string | null = null): void {
    this.#advert = { models: models.map(possible), slots: Math.min(slots, MAX_SLOTS), certificate };
    this.#report = NOTHING_TO_REPORT;
    this.#reportedUnits = 0;
    if (this.state === 'open') this.#sendAdvert();
  }

  /** Describes the offered models differently from now on. Has no effect while nothing is offered. */
  describe(models: ModelAdvert[]): void {
    if (this.#advert === null || this.#advert.models.length === 0) return;
    this.#advert = { ...this.#advert, models: models.map(possible) };
    if (this.state === 'open') this.#sendAdvert();
  }

  /** Reports how busy we are, at once when slots or queue changed, otherwise with the next heartbeat. */
  report(report: BusyReport): void {
    const changed = report.busySlots !== this.#report.busySlots || report.queued !== this.#report.queued;
    this.#report = report;
    if (changed) this.#sendHeartbeat();
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
    const {
      task = CHAT,
      model,
      maxUnits,
      complexity = PLAIN,
      exclude,
      only,
      prefer,
      needs = [],
      adapter,
      bringsAdapter,
      sha256,
      maxPrice,
      attestedBy,
    } = question;
    if (this.state !== 'open') await this.#connection.whenOpen(signal);
    const request = {
      type: 'match',
      model,
      ...(task !== CHAT && { task }),
      maxUnits,
      ...(complexity !== PLAIN && { complexity }),
      exclude: exclude.slice(-MAX_NAMED_PEERS),
      only: only?.slice(0, MAX_NAMED_PEERS) ?? null,
      prefer,
      ...(needs.length > 0 && { needs: [...needs] }),
      ...(adapter !== undefined && { adapter }),
      ...(bringsAdapter === true && { bringsAdapter }),
      ...(sha256 !== undefined && { sha256 }),
      ...(maxPrice !== undefined && { maxPrice }),
      ...(attestedBy !== undefined && { attestedBy }),
    } as const;
    const { lease, candidates } = await this.#requests.ask<'match'>(request, signal, queued);
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
      const whenOpen = () => (this.state === 'open' ? Promise.resolve() : this.#connection.whenOpen(signal));
      await giveOrder({ whenOpen, head: () => this.#orderHead(), send }, (head) => sign(body, head));
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
    this.#heartbeatMs = welcome.heartbeatMs;
    this.welcome = welcome;
    this.issuer = welcome.issuer;
    this.emit('welcome', welcome);
  }

  #turned(state: ControlState): void {
    this.emit('state', state);
    // A listener may have closed it.
    if (this.state !== 'open') return;
    this.#sendAdvert();
    this.#held.say();
    this.#beat();
  }

  #lost(): void {
    this.#stopBeat?.();
    this.#stopBeat = null;
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

  #sendAdvert(): void {
    if (this.#advert === null) return;
    this.#connection.send({ type: 'advert', ...this.#advert, models: modelsThatFit(this.#advert.models) });
    this.#sendHeartbeat();
  }

  #beat(): void {
    this.#stopBeat = this.#clock.after(this.#heartbeatMs, () => {
      this.#sendHeartbeat();
      this.#beat();
    });
  }

  #sendHeartbeat(): void {
    if (this.state !== 'open' || this.#advert === null) return;
    const { busySlots, queued, units, unitsPerSecond } = this.#report;
    this.#connection.send({
      type: 'heartbeat',
      busySlots,
      queued,
      units: units - this.#reportedUnits,
      ...(unitsPerSecond !== null && { unitsPerSecond }),
    });
    this.#reportedUnits = units;
  }
}

/** Limits a speed that was measured over a moment to what is believable. */
function possible(model: ModelAdvert): ModelAdvert {
  const { tokensPerSecond } = model;
  if (tokensPerSecond === null || tokensPerSecond <= MAX_TOKENS_PER_SECOND) return model;
  return { ...model, tokensPerSecond: MAX_TOKENS_PER_SECOND };
}
