/** One connection on `/mesh`, from its hello and the proof of its key to its end. */
import { fromBase32 } from '@llmesh/core/base/base32';
import type { Clock } from '@llmesh/core/base/clock';
import type { ErrorCode } from '@llmesh/core/base/errors';
import { peerIdOf, PUBLIC_KEY_BYTES } from '@llmesh/core/identity/identity';
import type { PeerId } from '@llmesh/core/base/ids';
import { PROTOCOL_VERSION } from '@llmesh/core/protocol';
import {
  MAX_TO_SERVER_BYTES,
  parseToServer,
  type Challenge,
  type FromServer,
  type Proof,
  type ToServer,
} from '@llmesh/core/wire/control-protocol';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import type { Notice } from '../cluster/peer-notice.ts';
import type { Metrics } from '../metrics.ts';
import type { RegisteredPeer } from '../registry/registered-peer.ts';
import type { Networks } from '../sockets/address.ts';
import { CLOSE } from '../sockets/bounded-socket.ts';
import { MessageAllowance } from '../sockets/message-allowance.ts';
import type { PeerSocket } from '../sockets/peer-socket.ts';
import type { Attendance } from './attendance.ts';
import type { Entrance, Stay } from './entrance.ts';
import { SessionCredits, type SessionCreditsNeeds } from './session-credits.ts';
import { SessionFilings, type SessionFilingsNeeds } from './session-filings.ts';
import { SessionLog, type SessionLogNeeds } from './session-log.ts';
import { SessionMatches, type SessionMatchesNeeds } from './session-matches.ts';
import { SessionReports, type SessionReportsNeeds } from './session-reports.ts';
import { SessionModels, type SessionModelsNeeds } from './session-models.ts';
import { SessionRelays, type SessionRelaysNeeds } from './session-relays.ts';
import type { Member } from './sessions.ts';

export const HELLO_TIMEOUT_MS = 10_000;
/** The time to sign and, on a small phone, to do the work. */
export const PROOF_TIMEOUT_MS = 60_000;
export const MAX_BAD_MESSAGES = 5;
/** The longest text about models that are left out of an advert. */
const MAX_LEFT_OUT_CHARACTERS = 900;
/** In messages. A peer that is told to file less and does not is soon cut off. */
const FILED_TOO_MUCH_COSTS = 5;
/** How far a peer may lag behind what it was sent: beyond this, news can wait. */
const MAX_BEHIND_BYTES = 262_144;

/** What all sessions share. */
export interface MeshContext {
  clock: Clock;
  metrics: Metrics;
  entrance: Entrance;
  attendance: Attendance;
  matches: SessionMatchesNeeds;
  filings: SessionFilingsNeeds;
  reports: SessionReportsNeeds;
  relays: SessionRelaysNeeds;
  log: SessionLogNeeds;
  credits: SessionCreditsNeeds;
  models: SessionModelsNeeds;
}

/** A hello that is still to be proved. */
interface Claim {
  hello: Hello;
  publicKey: Uint8Array;
  challenge: Challenge;
}
type Hello = Extract<ToServer, { type: 'hello' }>;

export class MeshSession implements Member {
  readonly #context: MeshContext;
  readonly #socket: PeerSocket;
  readonly #hosts: readonly string[];
  readonly from: Networks;
  readonly #allowance: MessageAllowance;
  readonly #introductions: SessionRelays;
  readonly #filings: SessionFilings;
  readonly #reports: SessionReports;
  readonly #credits: SessionCredits;
  readonly #matches: SessionMatches;
  readonly #log: SessionLog;
  readonly #models: SessionModels;
  #stopHelloTimer: () => void;
  /** A hello has come. */
  #greeted = false;
  #claim: Claim | null = null;
  /** Set from the proof of its key to its end. */
  #peer: RegisteredPeer | null = null;
  /** Null until it is welcomed. */
  #stay: Stay | null = null;
  /** Nothing more is said or heard. */
  #over = false;
  /** A heartbeat has come. */
  #beaten = false;
  #badMessages = 0;

  /** `hosts`: the names that it may have dialled. `from`: where this connection comes from. */
  constructor(socket: PeerSocket, hosts: readonly string[], from: Networks, context: MeshContext) {
    this.#socket = socket;
    this.#hosts = hosts;
    this.from = from;
    this.#context = context;
    this.#allowance = new MessageAllowance(context.clock);
    this.#introductions = new SessionRelays(context.relays, from);
    this.#filings = new SessionFilings(context.filings, from.narrow);
    this.#reports = new SessionReports(context.reports);
    this.#credits = new SessionCredits(context.credits, from);
    this.#matches = new SessionMatches(context.matches, from, (message) => this.#say(message));
    this.#log = new SessionLog(context.log, (message) => this.#tell(message));
    this.#models = new SessionModels(context.models, from);
    this.#stopHelloTimer = context.clock.after(HELLO_TIMEOUT_MS, () => {
      this.#end('bad_message', 'No hello within 10 seconds. Connect again.', CLOSE.helloTimeout);
    });
    socket.admit = (data) => this.#admit(data);
    socket.slow = () => context.metrics.refuse('mesh', 'slow_reader');
    socket.on('message', (data: Buffer, isBinary: boolean) =>
      this.#receive(isBinary ? null : parseToServer(data.toString())),
    );
    socket.on('error', (error: Error & { code?: string }) => {
      // `ws` closes on its own after these, with 1009 for a message over the limit.
      const tooLarge = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
      context.metrics.refuse('mesh', tooLarge ? 'message_too_large' : 'bad_message');
    });
    socket.on('close', () => {
      this.#over = true;
      this.#leave('lost');
    });
  }

  hear(notice: Exclude<Notice, { type: 'replaced' }>): boolean {
    if (this.#stay === null) return false;
    this.#say(notice);
    return true;
  }

  gone(peer: PeerId): void {
    this.#say({ type: 'gone', peer });
  }

  credits(news: AccountNews): void {
    if (this.#stay !== null) this.#say(news);
  }

  replaced(): void {
    const what = this.#peer?.agent === 'browser' ? OTHER_PAGE : OTHER_COMPUTER;
    this.#end('control_refused', what, CLOSE.replaced);
    this.#leave('lost');
  }

  /** A peer whose network has fewer connections needs this one. */
  giveWay(): void {
    this.#end(
      'busy',
      'The mesh is full, and others on your network hold most of its places. Connect again later.',
      CLOSE.busy,
    );
    this.#leave('lost');
  }

  /** Sends what the mesh offers. A slow reader hears it the next time. */
  tell(offers: Buffer): void {
    this.#tell(offers);
  }

  /** News that come again. */
  #tell(news: string | Buffer): void {
    if (this.#stay === null || this.#socket.bufferedAmount >= MAX_BEHIND_BYTES) return;
    if (typeof news === 'string') this.#socket.send(news);
    else this.#socket.sendText(news);
  }

  /** Messages that are too many or too long are not even read. */
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
    if (this.#peer !== null) this.#context.attendance.heard(this.#peer);
    switch (message.type) {
      case 'hello':
        return this.#greeted ? this.#bad('One hello is enough.') : void this.#hello(message);
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
        return this.#matches.withdraw(this.#peer.peerId, message.requestId);
      case 'file':
        if (this.#peer === null) return this.#early();
        return void this.#file(this.#peer.peerId, message);
      case 'report':
        if (this.#peer === null) return this.#early();
        return void this.#report(this.#peer.peerId, message);
      case 'relay':
        if (this.#peer === null) return this.#early();
        return void this.#introductions.ask(this.#peer.peerId, message).then((answer) => this.#say(answer));
      case 'hold':
        return this.#peer === null ? this.#early() : this.#hold(this.#peer.peerId, message);
      case 'holders':
        return this.#peer === null ? this.#early() : this.#say(this.#models.find(this.#peer.peerId, message));
      case 'kept':
        return this.#peer === null ? this.#early() : this.#say(this.#models.kept(this.#peer.peerId, message));
      case 'order':
        return this.#peer === null ? this.#early() : void this.#order(this.#peer.peerId, message);
      case 'witness':
      case 'cosign':
        return this.#peer === null ? this.#early() : this.#witness(message);
      case 'bye':
        this.#leave('bye');
        return this.#close(1000, 'Goodbye.');
      default:
        message satisfies never;
    }
  }

  async #hello(hello: Hello): Promise<void> {
    this.#greeted = true;
    // A hello without a key came from programs before there were keys.
    if (hello.version !== PROTOCOL_VERSION || hello.key === null) {
      const what = hello.agent === 'browser' ? 'This page is from an older version. Reload it.' : OTHER_VERSION;
      return this.#end('version_mismatch', what, CLOSE.versionMismatch);
    }
    const otherNetwork = this.#context.entrance.networkFault(hello);
    if (otherNetwork !== null) return this.#end(otherNetwork.code, otherNetwork.message, CLOSE.versionMismatch);
    const publicKey = fromBase32(hello.key);
    if (publicKey?.byteLength !== PUBLIC_KEY_BYTES || peerIdOf(publicKey) !== hello.peerId) {
      return this.#end('control_refused', 'This id does not belong to this key.', CLOSE.notProven);
    }
    const { entrance, clock } = this.#context;
    let challenge: Challenge;
    try {
      challenge = await entrance.challenge(hello.peerId, this.from);
    } catch {
      return this.#end('busy', NOT_NOW, CLOSE.busy);
    }
    if (this.#over) return;
    this.#socket.once('close', entrance.came(this.from));
    this.#claim = { hello, publicKey, challenge };
    this.#stopHelloTimer();
    this.#stopHelloTimer = clock.after(PROOF_TIMEOUT_MS, () => {
      this.#end('bad_message', 'No proof of the key within a minute. Connect again.', CLOSE.helloTimeout);
    });
    this.#say(challenge);
  }

  /** The challenge is used up, whatever the outcome. */
  #proof({ hello, publicKey, challenge }: Claim, proof: Proof): void {
    this.#claim = null;
    const fault = this.#context.entrance.faultOf(publicKey, challenge, proof, this.#hosts);
    if (fault !== null) {
      const what = fault === 'work' ? 'The work required to join was not done.' : NOT_PROVED;
      return this.#end('control_refused', what, CLOSE.notProven);
    }
    this.#stopHelloTimer();
    this.#peer = this.#context.attendance.join(hello.peerId, hello.agent, this);
    void this.#welcome(this.#peer, publicKey);
  }

  /** It counts as here from its proof on, and others can reach it from its welcome on. */
  async #welcome(peer: RegisteredPeer, publicKey: Uint8Array): Promise<void> {
    const { entrance, attendance } = this.#context;
    let stay: Stay | null;
    try {
      stay = await entrance.admit(peer.peerId, this, (message) => this.#say(message));
    } catch {
      if (this.#peer !== peer) return;
      this.#end('busy', NOT_NOW, CLOSE.busy);
      return this.#leave('lost');
    }
    if (this.#peer !== peer) return stay?.end();
    if (stay === null) return;
    this.#stay = stay;
    this.#say(stay.welcome);
    this.tell(attendance.welcomed());
    this.#log.welcomed(peer.peerId, publicKey);
    this.#say(this.#credits.welcomed(peer.peerId));
  }

  #advert(peer: RegisteredPeer, advert: Extract<ToServer, { type: 'advert' }>): void {
    this.#context.attendance.advert(peer, advert);
    if (advert.leftOut === undefined) return;
    // The valid part counts, and a peer that keeps sending it need not be sent away.
    this.#context.metrics.refuse('mesh', 'bad_message');
    const which = advert.leftOut.join('; ').slice(0, MAX_LEFT_OUT_CHARACTERS);
    this.#refuse('bad_message', `These were not listed, as they are impossible: ${which}. Update this program.`);
  }

  #heartbeat(peer: RegisteredPeer, beat: Extract<ToServer, { type: 'heartbeat' }>): void {
    this.#context.attendance.heartbeat(peer, beat, !this.#beaten);
    this.#beaten = true;
  }

  async #report(peer: PeerId, message: Extract<ToServer, { type: 'report' }>): Promise<void> {
    const answer = await this.#reports.file(peer, message);
    if (answer.type === 'refused' && answer.code === 'rate_limited') this.#allowance.charge(FILED_TOO_MUCH_COSTS);
    this.#say(answer);
  }

  async #file(peer: PeerId, message: Extract<ToServer, { type: 'file' }>): Promise<void> {
    const answer = await this.#filings.file(peer, message);
    if (answer.type === 'refused' && answer.code === 'rate_limited') this.#allowance.charge(FILED_TOO_MUCH_COSTS);
    this.#say(answer);
  }

  #witness(message: Extract<ToServer, { type: 'witness' | 'cosign' }>): void {
    const refusal = this.#log.take(message);
    if (refusal !== null) this.#say(refusal);
  }

  #hold(peer: PeerId, message: Extract<ToServer, { type: 'hold' }>): void {
    const refusal = this.#models.hold(peer, message);
    if (refusal !== null) this.#say(refusal);
  }

  async #order(peer: PeerId, message: Extract<ToServer, { type: 'order' }>): Promise<void> {
    const answer = await this.#credits.order(peer, message);
    if (answer.type === 'refused' && answer.code === 'rate_limited') this.#allowance.charge(FILED_TOO_MUCH_COSTS);
    this.#say(answer);
  }

  #early(): void {
    this.#bad(this.#greeted ? 'Prove your key first.' : 'Say hello first.');
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

  #end(code: ErrorCode, message: string, closeCode: number): void {
    this.#context.metrics.refuse('mesh', code);
    this.#refuse(code, message);
    // A close reason holds 123 bytes; the message was sent before.
    this.#close(closeCode, code);
  }

  #close(code: number, reason: string): void {
    this.#over = true;
    this.#stopHelloTimer();
    // Ignore anything that arrives before the other end answers.
    this.#socket.admit = () => false;
    this.#socket.close(code, reason);
  }

  #leave(how: 'bye' | 'lost'): void {
    this.#stopHelloTimer();
    const peer = this.#peer;
    if (peer === null) return;
    this.#peer = null;
    this.#stay?.end();
    this.#stay = null;
    this.#log.left();
    this.#models.left();
    this.#context.attendance.leave(peer, this, how);
  }

  #refuse(code: ErrorCode, message: string): void {
    this.#say({ type: 'refused', code, message });
  }

  #say(message: FromServer): void {
    this.#socket.send(JSON.stringify(message));
  }
}

const NOT_NOW = 'The mesh cannot take anybody in right now. Connect again in a moment.';
const OTHER_VERSION = 'This program and the mesh run different versions. Update it.';
const OTHER_COMPUTER =
  'Another program has joined with the same identity, and only one can be connected. If you took your identity along to another device, stop the other one and start this one again. If a data folder was copied, delete the identity file in one of them ("llmesh identity" says where it is) and start that one again: it makes one of its own.';
const OTHER_PAGE =
  'Your identity has joined somewhere else: in another window, or on another device that has it, too. Only one can be connected. Nothing is lost. Reload this page to be here again; the other one then stops.';
const NOT_PROVED =
  'This key was not proved for this mesh. Start again; if that does not help, its operator must add its name to LLMESH_HOSTS.';
const TOO_LARGE = `A message has at most ${MAX_TO_SERVER_BYTES} bytes. Lend fewer models, or fewer adapters with each.`;
