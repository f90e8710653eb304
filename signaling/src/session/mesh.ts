/** The control WebSocket `/mesh`: all peers connected to it, and what they are told together. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { offerKey, readOfferKey } from '@llmesh/core/policy/offer-key';
import { CHAT } from '@llmesh/core/wire/model-advert';
import { MAX_TO_SERVER_BYTES, type Offers } from '@llmesh/core/wire/control-protocol';
import type { AuditOffice } from '../audit/audit-office.ts';
import { isBanned } from '../audit/kept-standing.ts';
import { AddressBuckets } from '../sockets/address-buckets.ts';
import type { Networks } from '../sockets/address.ts';
import { boundedServer, closeSockets, cutHalfOpen, type BoundedServer } from '../sockets/bounded-socket.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { Keeping, type KeepingOptions } from '../keeping/keeping.ts';
import { MatchQueues } from '../match/match-queues.ts';
import { Matchmaker } from '../match/matchmaker.ts';
import { Preloading } from '../match/preloading.ts';
import { Reliability } from '../match/reliability.ts';
import { SlotPromises } from '../match/slot-promises.ts';
import type { Metrics } from '../metrics.ts';
import { Holdings } from '../models/holdings.ts';
import type { LedgerPort } from '../ledger/ledger-port.ts';
import type { AllowanceTable } from '../store/allowance-table.ts';
import { Newcomers } from '../ledger/newcomers.ts';
import type { LeaseOffice } from '../receipts/lease-office.ts';
import type { ReceiptBook } from '../receipts/receipt-book.ts';
import { Fares } from '../price/fares.ts';
import { PriceList } from '../price/price-list.ts';
import { OfferBoard } from '../registry/offer-board.ts';
import type { Registry } from '../registry/registry.ts';
import type { Relay } from '../relay/relay.ts';
import type { SignalPasses } from '../signal/signal-passes.ts';
import { NetworkRate, scaled } from '../sockets/network-rate.ts';
import type { PeerSocket } from '../sockets/peer-socket.ts';
import { AccountPost } from './account-post.ts';
import { Attendance } from './attendance.ts';
import { DepartureNews } from './departure-news.ts';
import { Entrance } from './entrance.ts';
import type { IceServers } from './ice-servers.ts';
import type { JoinPrice } from './join-price.ts';
import type { LogNews } from '../log/log-news.ts';
import { MeshSession, type MeshContext } from './mesh-session.ts';
import { OrderDesk } from '../ledger/order-desk.ts';
import { MATCH_RATES } from './session-matches.ts';
import { HOLDERS_RATES } from './session-models.ts';
import { CALL_RATES, CALLED_RATE } from './session-relays.ts';
import { Sessions } from './sessions.ts';

export const MESH_PATH = '/mesh';
/** Messages over the limit get an error, up to this size; longer ones are cut off. */
const MAX_PAYLOAD_BYTES = 4 * MAX_TO_SERVER_BYTES;

export interface MeshOptions {
  clock: Clock;
  random: () => number;
  registry: Registry;
  metrics: Metrics;
  cluster: Cluster;
  iceServers: IceServers;
  relay: Relay;
  passes: SignalPasses;
  joins: JoinPrice;
  leases: LeaseOffice;
  receipts: ReceiptBook;
  ledger: LedgerPort;
  audits: AuditOffice;
  /** This provider answered somebody of another wide network, and both signed for it; or others checked an answer of it. */
  served?: (provider: PeerId) => void;
  /** Where it is kept who had an allowance today; left out: nowhere. */
  allowances?: AllowanceTable;
  /** That could not be kept: for the log. */
  allowanceFailed?: (error: unknown) => void;
  /** Left out: this mesh has no log. */
  log?: LogNews | null;
  /** What keeping models for others needs besides. */
  keeping: Pick<KeepingOptions, 'now' | 'key' | 'catalogue' | 'copies' | 'platform' | 'failed'>;
  /** The factor for the usual limits of one network. */
  networkFactor?: number;
}

export class Mesh {
  readonly #clock: Clock;
  readonly #sockets: BoundedServer;
  readonly #sessions: Sessions;
  readonly #departures: DepartureNews;
  /** Null: this mesh has no credits. */
  readonly prices: PriceList | null;
  readonly #registry: Registry;
  readonly #board: OfferBoard;
  readonly #queues: MatchQueues;
  readonly #preloading: Preloading;
  readonly #accounts: AccountPost | null;
  readonly #keeping: Keeping;
  readonly #context: MeshContext;
  readonly #ofSocket = new WeakMap<Duplex, MeshSession>();
  readonly #stopPings: () => void;

  constructor(options: MeshOptions) {
    const { random, networkFactor = 1, clock, cluster, registry, metrics, receipts, leases, audits, ledger } = options;
    this.#clock = clock;
    this.#registry = registry;
    this.#sockets = boundedServer({ maxPayload: MAX_PAYLOAD_BYTES });
    const { allowances: kept, allowanceFailed: failed } = options;
    const newcomers = new Newcomers({ ledger, now: () => leases.nowMs, kept, failed });
    const sessions = new Sessions(clock, cluster);
    this.#sessions = sessions;
    this.#departures = new DepartureNews(cluster, sessions);
    const hasCredits = ledger.mode !== 'off';
    this.#accounts = hasCredits ? new AccountPost({ clock, ledger, sessions }) : null;
    const { issuer } = leases;
    const desk = new OrderDesk({
      ...{ clock, now: () => leases.nowMs, issuer, ledger, check: options.keeping.key.verify },
      audits: (order, bytes, carrier) => audits.ordered(order, bytes, carrier),
    });
    this.prices = hasCredits
      ? new PriceList({
          clock,
          offers: () => registry.offers().models,
          waiting: (offer) => this.#queues.bids(offer),
          sizeBytes: (offer) =>
            registry.ranks.catalogued({ ...offer, sha256: offer.sha256 ?? null })?.sizeBytes ?? null,
          parameter: (name) => ledger.parameter(name),
          changed: () => this.#board.touch(),
        })
      : null;
    const fares = this.prices === null ? null : new Fares(ledger, this.prices);
    this.#board = new OfferBoard(
      clock,
      () => ({ ...this.offers(), ...shunnedIn(audits) }),
      () => sessions.all(),
      () => leases.nowMs,
    );
    const reliability = new Reliability(clock, (peer) => audits.trust.of(peer));
    const promises = new SlotPromises(clock, registry);
    receipts.onKept = (delivered) => {
      promises.delivered(delivered.lease.requester, delivered.lease.provider);
      if (delivered.kind !== 'receipt') return;
      const { lease, units, startedMs, endedMs } = delivered;
      const ms = endedMs - startedMs;
      const { requester, provider } = lease;
      const offer = offerKey(lease);
      const [asker, giver] = [sessions.find(requester)?.from, sessions.find(provider)?.from];
      if (asker !== undefined && giver !== undefined && asker.wide !== giver.wide) options.served?.(provider);
      const network = asker?.narrow ?? '';
      reliability.finished(provider, { offer, units, ms }, { requester, network });
      this.#preloading.answered(offer, ms);
      audits.filed(delivered);
    };
    const matchmaker = new Matchmaker(registry, reliability, random);
    audits.open({
      candidate: (peer, offer) => matchmaker.candidate(peer, offer),
      tell: (peer, message) => sessions.post.tell(peer, message),
      agreed: (provider) => options.served?.(provider),
      changed: () => this.#board.touch(),
    });
    const changed = (waiting: number) => {
      metrics.waiting = waiting;
    };
    this.#queues = new MatchQueues({ clock, registry, matchmaker, promises, changed });
    this.#preloading = new Preloading({
      clock,
      now: () => leases.nowMs,
      registry,
      matchmaker,
      waiting: (offer) => this.#queues.waiting(offer),
      expect: (provider, offer) => {
        metrics.expected.inc();
        const { task, model } = readOfferKey(offer);
        sessions.post.tell(provider, { type: 'expect', ...(task !== CHAT && { task }), model });
      },
    });
    const [queues, board, departures, preloading] = [this.#queues, this.#board, this.#departures, this.#preloading];
    const matchRate = new NetworkRate(clock, scaled(MATCH_RATES, networkFactor));
    const [callRate, calledRate] = [new NetworkRate(clock, CALL_RATES), new AddressBuckets(clock, CALLED_RATE)];
    const holdings = new Holdings({ random, isShunned: (peer) => isBanned(audits.standings.worst(peer)) });
    const keeping = new Keeping({
      ...options.keeping,
      ...{ clock, random, holdings },
      pinnedCopies: () => ledger.parameter('pinned-copies'),
      isDoubted: (peer) => audits.standings.worst(peer) !== 'good',
      counted: (outcome) => metrics.storageChecks.inc({ outcome }),
      tell: (peer, message) => sessions.post.tell(peer, message),
    });
    this.#keeping = keeping;
    metrics.keeping = () => keeping.figures;
    this.#context = {
      clock,
      metrics,
      entrance: new Entrance({ ...options, sessions, newcomers, key: options.keeping.key }),
      attendance: new Attendance({ registry, reliability, queues, board, sessions, departures, audits }),
      matches: { queues, leases, metrics, departures, preloading, matchRate, audits, registry, fares },
      filings: { clock, receipts, metrics },
      reports: { clock, audits, metrics },
      credits: { metrics, desk, accounts: this.#accounts },
      relays: { clock, relay: options.relay, callRate, calledRate, metrics, sessions },
      log: { clock, news: options.log ?? null },
      models: {
        ...{ clock, metrics, holdings, keeping },
        holdersRate: new NetworkRate(clock, scaled(HOLDERS_RATES, networkFactor)),
      },
    };
    this.#stopPings = cutHalfOpen(this.#sockets, clock);
  }

  /** What the mesh offers, and for how much. */
  offers(): Offers {
    const offers = this.#registry.offers();
    return this.prices === null ? offers : { ...offers, models: this.prices.priced(offers.models) };
  }

  /** A peer has come, by whatever way. `hosts`: the names that it may have dialled. */
  join(socket: PeerSocket, hosts: readonly string[], from: Networks): MeshSession {
    return new MeshSession(socket, hosts, from, this.#context);
  }

  /** The peer on this connection has to go, so that another one can come. */
  giveWay(socket: Duplex): void {
    this.#ofSocket.get(socket)?.giveWay();
  }

  get size(): number {
    return this.#sockets.clients.size;
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, from: Networks, hosts: readonly string[]): void {
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      this.#sockets.emit('connection', ws, request);
      this.#ofSocket.set(socket, this.join(ws, hosts, from));
    });
  }

  async close(): Promise<void> {
    this.#stopPings();
    this.#accounts?.close();
    this.prices?.close();
    this.#board.close();
    this.#queues.close();
    this.#preloading.close();
    await closeSockets(this.#sockets, this.#clock);
    await Promise.all([this.#sessions.close(), this.#departures.close(), this.#keeping.close()]);
  }
}

/** Left out where nobody is: most meshes never have one, and everybody is told. */
function shunnedIn({ standings }: AuditOffice): Pick<Offers, 'shunned'> {
  const shunned = standings.shunned();
  return shunned.length > 0 ? { shunned } : {};
}
