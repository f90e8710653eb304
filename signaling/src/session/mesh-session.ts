/** One connection on `/mesh`, from its hello and the proof of its key to its end. */
import { fromBase32 } from '@llmesh/core/base/base32';
import type { Clock } from '@llmesh/core/base/clock';
import type { ErrorCode } from '@llmesh/core/base/errors';
import { peerIdOf, PUBLIC_KEY_BYTES } from '@llmesh/core/identity/identity';
import type { PeerId } from '@llmesh/core/base/ids';
import { readOfferKey, type OfferKey } from '@llmesh/core/policy/offer-key';
import { CHAT } from '@llmesh/core/wire/model-advert';
import { faultOf, newChallenge } from '@llmesh/core/identity/key-proof';
import { PROTOCOL_VERSION } from '@llmesh/core/protocol';
import {
  MAX_TO_SERVER_BYTES,
  parseToServer,
  type Challenge,
  type FromServer,
  type Proof,
  type ToServer,
} from '@llmesh/core/wire/control-protocol';
import type { AddressBuckets } from '../sockets/address-buckets.ts';
import type { Networks } from '../sockets/address.ts';
import { CLOSE, type BoundedSocket } from '../sockets/bounded-socket.ts';
import type { Departures } from './departures.ts';
import { RENEW_MS, type IceServers } from './ice-servers.ts';
import { SessionFilings } from './session-filings.ts';
import type { LeaseOffice } from '../receipts/lease-office.ts';
import { SessionMatches } from './session-matches.ts';
import { MessageAllowance } from '../sockets/message-allowance.ts';
import type { Metrics } from '../metrics.ts';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { PUBLISH_MS, type OfferBoard } from '../registry/offer-board.ts';
import { GONE_MS, HEARTBEAT_MS, type Registry } from '../registry/registry.ts';
import type { Reliability } from '../match/reliability.ts';
import type { JoinPrice } from './join-price.ts';
import type { NetworkRate } from '../sockets/network-rate.ts';
import type { Preloading } from '../match/preloading.ts';
import type { ReceiptBook } from '../receipts/receipt-book.ts';
import { SessionRelays } from './session-relays.ts';
import type { Relay } from '../relay/relay.ts';
import type { SignalPasses } from '../signal/signal-passes.ts';
import type { MatchQueues } from '../match/match-queues.ts';
import { loadOf, type RegisteredPeer } from '../registry/registered-peer.ts';

export const HELLO_TIMEOUT_MS = 10_000;
/** To sign, and on a small phone to work. */
export const PROOF_TIMEOUT_MS = 60_000;
export const MAX_BAD_MESSAGES = 5;
/** The longest text about models that are left out of an advert. */
const MAX_LEFT_OUT_CHARACTERS = 900;
/** In messages. Whoever is told to file less and goes on as before is soon not listened to any more. */
const FILED_TOO_MUCH_COSTS = 5;
/** How far a peer may lag behind what it was sent: beyond this, news can wait. */
const MAX_BEHIND_BYTES = 262_144;
export interface MeshContext {
  clock: Clock;
  registry: Registry;
  queues: MatchQueues;
  reliability: Reliability;
  board: OfferBoard;
  metrics: Metrics;
  iceServers: IceServers;
  relay: Relay;
  callRate: NetworkRate;
  calledRate: AddressBuckets;
  passes: SignalPasses;
  joins: JoinPrice;
  leases: LeaseOffice;
  receipts: ReceiptBook;
  departures: Departures;
  preloading: Preloading;
  matchRate: NetworkRate;
  /** Peers that have proved their key. */
  sessions: Map<PeerId, MeshSession>;
}

/** A hello that is still to be proved. */
interface Claim {
  hello: Hello;
  publicKey: Uint8Array;
  challenge: Challenge;
}
type Hello = Extract<ToServer, { type: 'hello' }>;

export class MeshSession {
  readonly #context: MeshContext;
  readonly #socket: BoundedSocket;
  readonly #hosts: readonly string[];
  readonly from: Networks;
  readonly #allowance: MessageAllowance;
  readonly #introductions: SessionRelays;
  readonly #filings: SessionFilings;
  readonly #matches: SessionMatches;
  #stopRenewal: (() => void) | null = null;
  #stopHelloTimer: () => void;
  #claim: Claim | null = null;
  #pass: string | null = null;
  #peer: RegisteredPeer | null = null;
  /** A heartbeat has come. */
  #beaten = false;
  #badMessages = 0;

  /** `hosts`: what we may have been dialled as. `from`: where this connection comes from. */
  constructor(socket: BoundedSocket, hosts: readonly string[], from: Networks, context: MeshContext) {
    this.#socket = socket;
    this.#hosts = hosts;
    this.from = from;
    this.#context = context;
    this.#allowance = new MessageAllowance(context.clock);
    this.#introductions = new SessionRelays(context, from);
    this.#filings = new SessionFilings(context, from.narrow);
    this.#matches = new SessionMatches(context, from, (message) => this.#say(message));
    this.#stopHelloTimer = context.clock.after(HELLO_TIMEOUT_MS, () => {
      this.#end('bad_message', 'No hello within 10 seconds. Connect again.', CLOSE.helloTimeout);
    });
    socket.admit = (data) => this.#admit(data);
    socket.slow = () => context.metrics.refuse('mesh', 'slow_reader');
    socket.on('message', (data: Buffer, isBinary: boolean) =>
      this.#receive(isBinary ? null : parseToServer(data.toString())),
    );
    socket.on('error', (error: Error & { code?: string }) => {
      // `ws` closes by itself after these, with 1009 for a message over the limit.
      const tooLarge = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
      context.metrics.refuse('mesh', tooLarge ? 'message_too_large' : 'bad_message');
    });
    socket.on('close', () => this.#leave('lost'));
  }

  /** `peer` wants a relayed link to this one. */
  call(peer: PeerId, ticket: string): void {
    this.#say({ type: 'call', peer, ticket });
  }

  /** This provider, which it was told of, is gone. */
  gone(peer: PeerId): void {
    this.#say({ type: 'gone', peer });
  }

  /** Somebody whose network has fewer connections needs its place. */
  giveWay(): void {
    this.#end(
      'busy',
      'The mesh is full, and others on your network hold most of its places. Connect again later.',
      CLOSE.busy,
    );
    this.#leave('lost');
  }

  /** This offer of its will be asked soon. */
  expect(offer: OfferKey): void {
    const { task, model } = readOfferKey(offer);
    this.#say({ type: 'expect', ...(task !== CHAT && { task }), model });
  }

  /** What the mesh offers. Whoever is behind with reading hears it the next time. */
  tell(offers: Buffer): void {
    if (this.#socket.bufferedAmount < MAX_BEHIND_BYTES) this.#socket.sendText(offers);
  }

  /** Too many messages, and too long ones, are not even looked at. */
  #admit(data: Buffer): boolean {
    const verdict = this.#allowance.judge(data.length);
    if (verdict === 'take') {
      if (data.length <= MAX_TO_SERVER_BYTES) return true;
      this.#context.metrics.refuse('mesh', 'message_too_large');
      this.#countBad('message_too_large', TOO_LARGE);
      return false;
    }
    this.#context.metrics.refuse('mesh', 'rate_limited');
    if (verdict === 'warn') this.#refuse('rate_limited', 'Too many messages. Slow down.');
    else if (verdict === 'close') this.#close(CLOSE.rateLimited, 'Too many messages.');
    return false;
  }

  #receive(message: ToServer | null): void {
    if (message === null) return this.#bad('Not a message of this protocol.');
    if (this.#peer !== null) this.#heard(this.#peer);
    switch (message.type) {
      case 'hello':
        return this.#peer === null && this.#claim === null ? this.#hello(message) : this.#bad('One hello is enough.');
      case 'proof':
        return this.#claim === null ? this.#bad('No proof was asked for.') : this.#proof(this.#claim, message);
      case 'advert':
        return this.#peer === null ? this.#early() : this.#advert(this.#peer, message);
      case 'heartbeat':
        return this.#peer === null ? this.#early() : this.#heartbeat(this.#peer, message);
      case 'match':
        return this.#peer === null ? this.#early() : this.#matches.ask(this.#peer.peerId, message);
      case 'withdraw':
        if (this.#peer === null) return this.#early();
        return this.#context.queues.withdraw(this.#peer.peerId, message.requestId);
      case 'file':
        if (this.#peer === null) return this.#early();
        return void this.#file(this.#peer.peerId, message);
      case 'relay':
        return this.#peer === null ? this.#early() : this.#say(this.#introductions.ask(this.#peer.peerId, message));
      case 'bye':
        this.#leave('bye');
        return this.#close(1000, 'Goodbye.');
      default:
        message satisfies never;
    }
  }

  #heard(peer: RegisteredPeer): void {
    const { registry, reliability } = this.#context;
    if (registry.silentMs(peer) >= GONE_MS) reliability.failed(peer.peerId, peer.busySlots);
    registry.heard(peer);
  }

  #hello(hello: Hello): void {
    // A hello without a key came from programs before there were keys.
    if (hello.version !== PROTOCOL_VERSION || hello.key === null) {
      const what = hello.agent === 'browser' ? 'This page is from an older version. Reload it.' : OTHER_VERSION;
      return this.#end('version_mismatch', what, CLOSE.versionMismatch);
    }
    const publicKey = fromBase32(hello.key);
    if (publicKey?.byteLength !== PUBLIC_KEY_BYTES || peerIdOf(publicKey) !== hello.peerId) {
      return this.#end('control_refused', 'This id does not belong to this key.', CLOSE.notProven);
    }
    const { joins, clock } = this.#context;
    const challenge = newChallenge(joins.bits(hello.peerId, this.from));
    this.#socket.once('close', joins.came(this.from));
    this.#claim = { hello, publicKey, challenge };
    this.#stopHelloTimer();
    this.#stopHelloTimer = clock.after(PROOF_TIMEOUT_MS, () => {
      this.#end('bad_message', 'No proof of the key within a minute. Connect again.', CLOSE.helloTimeout);
    });
    this.#say(challenge);
  }

  /** The challenge is spent, whatever comes of it. */
  #proof({ hello, publicKey, challenge }: Claim, proof: Proof): void {
    this.#claim = null;
    const fault = faultOf(publicKey, challenge, proof, this.#hosts, nodeVerify);
    if (fault !== null) {
      const what = fault === 'work' ? 'The work required to join was not done.' : NOT_PROVED;
      return this.#end('control_refused', what, CLOSE.notProven);
    }
    this.#stopHelloTimer();
    const { sessions, registry, board, joins, passes, leases } = this.#context;
    joins.joined(hello.peerId, this.from);
    const before = sessions.get(hello.peerId);
    if (before !== undefined) before.#replaced();
    this.#peer = registry.join(hello.peerId, hello.agent, this.from.narrow);
    this.#pass = passes.issue(hello.peerId);
    sessions.set(hello.peerId, this);
    this.#say({
      type: 'welcome',
      version: PROTOCOL_VERSION,
      heartbeatMs: HEARTBEAT_MS,
      iceServers: this.#context.iceServers.of(hello.peerId),
      signalToken: this.#pass,
      issuer: leases.issuer,
      now: leases.nowMs,
    });
    this.#renewIceServers(hello.peerId);
    this.tell(board.current());
    board.touch(PUBLISH_MS);
  }

  #advert(peer: RegisteredPeer, advert: Extract<ToServer, { type: 'advert' }>): void {
    this.#context.registry.advert(peer, advert);
    this.#context.board.touch();
    if (advert.leftOut === undefined) return;
    // What is right of it stands, and whoever sends it again and again need not be sent away.
    this.#context.metrics.refuse('mesh', 'bad_message');
    const which = advert.leftOut.join('; ').slice(0, MAX_LEFT_OUT_CHARACTERS);
    this.#refuse('bad_message', `These were not listed, as they are impossible: ${which}. Update this program.`);
  }

  #heartbeat(peer: RegisteredPeer, beat: Extract<ToServer, { type: 'heartbeat' }>): void {
    const { registry, reliability, queues } = this.#context;
    if (!this.#beaten) reliability.returned(peer.peerId, beat.busySlots);
    this.#beaten = true;
    const before = loadOf(peer);
    registry.heartbeat(peer, beat);
    queues.begun(peer, loadOf(peer) - before);
    if (peer.models.length > 0) this.#context.board.touch();
  }

  async #file(peer: PeerId, message: Extract<ToServer, { type: 'file' }>): Promise<void> {
    const answer = await this.#filings.file(peer, message);
    if (answer.type === 'refused' && answer.code === 'rate_limited') this.#allowance.charge(FILED_TOO_MUCH_COSTS);
    this.#say(answer);
  }

  #renewIceServers(peer: PeerId): void {
    const { clock, iceServers } = this.#context;
    if (!iceServers.expire) return;
    this.#stopRenewal = clock.after(RENEW_MS, () => {
      this.#say({ type: 'ice', iceServers: iceServers.of(peer) });
      this.#renewIceServers(peer);
    });
  }

  #early(): void {
    this.#bad(this.#claim === null ? 'Say hello first.' : 'Prove your key first.');
  }

  #bad(why: string): void {
    this.#context.metrics.refuse('mesh', 'bad_message');
    this.#countBad('bad_message', why);
  }

  #countBad(code: ErrorCode, why: string): void {
    this.#badMessages++;
    this.#refuse(code, why);
    if (this.#badMessages >= MAX_BAD_MESSAGES) this.#close(CLOSE.badMessage, 'Too many senseless messages.');
  }

  #replaced(): void {
    const what = this.#peer?.agent === 'browser' ? OTHER_PAGE : OTHER_COMPUTER;
    this.#end('control_refused', what, CLOSE.replaced);
    this.#leave('lost');
  }

  #end(code: ErrorCode, message: string, closeCode: number): void {
    this.#context.metrics.refuse('mesh', code);
    this.#refuse(code, message);
    // There is queues for 123 bytes; the words went before.
    this.#close(closeCode, code);
  }

  #close(code: number, reason: string): void {
    this.#stopHelloTimer();
    // What still arrives until the other end answers is nobody's.
    this.#socket.admit = () => false;
    this.#socket.close(code, reason);
  }

  #leave(how: 'bye' | 'lost'): void {
    this.#stopHelloTimer();
    const peer = this.#peer;
    if (peer === null) return;
    this.#peer = null;
    this.#stopRenewal?.();
    if (this.#pass !== null) this.#context.passes.end(this.#pass);
    const { sessions, registry, reliability, queues, board } = this.#context;
    if (how === 'lost') reliability.vanished(peer.peerId, peer.busySlots);
    if (sessions.get(peer.peerId) === this) sessions.delete(peer.peerId);
    for (const requester of this.#context.departures.left(peer.peerId)) sessions.get(requester)?.gone(peer.peerId);
    const offered = peer.models.length > 0;
    registry.leave(peer);
    queues.left(peer);
    board.touch(offered ? 0 : PUBLISH_MS);
  }

  #refuse(code: ErrorCode, message: string): void {
    this.#say({ type: 'refused', code, message });
  }

  #say(message: FromServer): void {
    this.#socket.send(JSON.stringify(message));
  }
}

const OTHER_VERSION = 'This program and the mesh run different versions. Update it.';
const OTHER_COMPUTER =
  'Another program has joined with the same identity, and only one can be connected. If its data folder was copied to another computer, delete the identity file in one of them ("llmesh identity" says where it is) and start that one again: it makes one of its own.';
const OTHER_PAGE =
  'This page has joined again elsewhere with the same identity: in another window, or in a copy of this browser profile. Close that one, and reload this page.';
const NOT_PROVED =
  'This key was not proved for this mesh. Start again; if that does not help, its operator must add its name to LLMESH_HOSTS.';
const TOO_LARGE = `A message has at most ${MAX_TO_SERVER_BYTES} bytes. Lend fewer models, or fewer adapters with each.`;
