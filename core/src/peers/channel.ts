/** A link that speaks the protocol: whole messages, back-pressure, and a heartbeat while someone holds it. */
import type { Clock } from '../base/clock.ts';
import { asMeshError, MeshError } from '../base/errors.ts';
import { BadRequest, MessageReader, writeMessage } from '../wire/frame.ts';
import type { PeerId } from '../base/ids.ts';
import { parseData, type DataMessage } from '../protocol.ts';
import { isSwarmMessage } from '../wire/swarm-protocol.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import { HIGH_WATER_BYTES, LOW_WATER_BYTES, type BulkLane, type Link, type Path } from '../transport/transport.ts';

/** WebRTC notices a dead peer after 5 to 30 s; a person should know within 3. */
const BEAT_MS = 500;
/**
 * The beats without a word before the other end counts as gone. Beats and not milliseconds: a tab that slept wakes up
 * to one late beat and the messages that waited, not to a broken link.
 */
const SILENT_BEATS = 4;
/** A requester in a hidden tab beats once a second or less often; its provider tolerates that. */
const PATIENT_BEATS = 40;
/** Messages for a reader that takes none fill our memory. Senders that check `congested` never come near this. */
const MAX_BUFFERED_BYTES = 2 * HIGH_WATER_BYTES;
/** How often to check for room that no transport announced, and after how many checks the reader is too slow. */
const LOOK_MS = 500;
const MAX_LOOKS = 60;
/**
 * What the other end may ask of us: a message costs one, and one more for every 16 KiB. Far more than acknowledging the
 * fastest answers takes. Pieces of an answer are free: they are limited by what was asked for.
 */
const ASKING_RATE = { perSecond: 200, burst: 1_000 };
const BYTES_PER_TOKEN = 16_384;

export type Message = Exclude<DataMessage, { kind: 'PING' }>;

export interface ChannelEvents {
  message(channel: Channel, message: Message): void;
  /** The channel is gone; `reason` says why, unless it was closed on purpose. Called once. */
  closed(channel: Channel, reason: MeshError | null): void;
}

export class Channel {
  readonly peer: PeerId;
  /** The round trip of the last heartbeat; null before the first. */
  rttMs: number | null = null;
  /** When something other than a heartbeat was last said, or a hold released, by the clock. */
  lastUsedMs: number;
  #link: Link;
  #clock: Clock;
  #events: ChannelEvents;
  #reader = new MessageReader();
  #open = true;
  #wentSilent = false;
  #drained: (() => void)[] = [];
  #stopLooking: (() => void) | null = null;
  #asking: TokenBucket;
  /** The size of the arriving message so far. */
  #arrivedBytes = 0;
  #holds = new Set<{ beats: number }>();
  #stopBeat: (() => void) | null = null;
  /** Set while nothing has been heard since `doubt`. */
  #releaseDoubt: (() => void) | null = null;
  #silentBeats = 0;
  #nonce = 0;
  #pingedMs = 0;

  constructor(link: Link, clock: Clock, events: ChannelEvents) {
    this.peer = link.peer;
    this.#link = link;
    this.#clock = clock;
    this.#events = events;
    this.#asking = new TokenBucket(clock, ASKING_RATE);
    this.lastUsedMs = clock.now();
    link.drained = () => this.#release();
    link.receive = (fragment) => this.#receive(fragment);
    link.closed = () =>
      this.#end(link.failure ?? new MeshError('provider_lost', 'The connection to the other computer broke.'));
  }

  get open(): boolean {
    return this.#open;
  }

  /** The other end is proven to be `peer`; see `Link`. */
  get proven(): boolean {
    return this.#link.proven !== false;
  }

  /** It was closed because nothing was heard any more, not even an answer to a heartbeat. */
  get wentSilent(): boolean {
    return this.#wentSilent;
  }

  /** Nobody holds it, so it may be closed to save resources. */
  get idle(): boolean {
    return this.#holds.size === 0;
  }

  /**
   * Queues the message; does nothing on a closed channel. Throws message_too_large, or bad_message when strangers'
   * words in it would make the other end break the link.
   */
  send(message: DataMessage): void {
    if (!this.#open) return;
    if (this.#link.bufferedBytes > MAX_BUFFERED_BYTES) this.#end(tooSlow());
    else writeMessage(passesOn(message) ? checked(message) : message, (fragment) => this.#link.send(fragment));
  }

  /** Wait for `drain` before sending more. */
  get congested(): boolean {
    return this.#open && this.#link.bufferedBytes > HIGH_WATER_BYTES;
  }

  /** Resolves when there is room again or the channel closed; after half a minute without room it is closed. */
  drain(): Promise<void> {
    if (!this.congested) return Promise.resolve();
    if (this.#stopLooking === null) this.#look(MAX_LOOKS);
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /**
   * Keeps the channel and watches the other end until the returned function is called. `patient`: for a provider,
   * whose requester may sit in a hidden tab.
   */
  hold(patient: boolean): () => void {
    const hold = { beats: patient ? PATIENT_BEATS : SILENT_BEATS };
    this.#holds.add(hold);
    this.#silentBeats = 0;
    if (this.#stopBeat === null && this.#open) this.#beat();
    return () => {
      if (!this.#holds.delete(hold)) return;
      this.lastUsedMs = this.#clock.now();
      if (this.#holds.size === 0) this.#stopBeating();
    };
  }

  /** The other end may be gone: it proves that it is not, or the channel is closed within two seconds. */
  doubt(): void {
    if (!this.#open || this.doubted) return;
    this.#stopBeating();
    this.#releaseDoubt = this.hold(false);
  }

  get doubted(): boolean {
    return this.#releaseDoubt !== null;
  }

  path(): Promise<Path | null> {
    return this.#link.path();
  }

  /** See `Link.bulk`. What arrives there tells that the other end lives, when its owner says so: `alive`. */
  get bulk(): BulkLane | null {
    return this.#link.bulk ?? null;
  }

  /** Something came from the other end outside the messages. */
  alive(): void {
    this.#silentBeats = 0;
    this.lastUsedMs = this.#clock.now();
  }

  close(): void {
    this.#end(null);
  }

  /** Closes it because the other end broke the rules of something that the channel carries. */
  fail(reason: MeshError): void {
    this.#end(reason);
  }

  #receive(fragment: Uint8Array): void {
    if (!this.#open) return;
    this.#silentBeats = 0;
    this.#releaseDoubt?.();
    this.#releaseDoubt = null;
    this.#arrivedBytes += fragment.byteLength;
    let message: DataMessage | null;
    try {
      message = this.#reader.read(fragment);
    } catch (thrown) {
      if (thrown instanceof BadRequest) this.#refuse(thrown);
      else this.#end(asMeshError(thrown, 'bad_message', 'The other computer sent something unreadable.'));
      return;
    }
    if (message === null) return;
    const paid = this.#pay(asksOfUs(message));
    if (!paid) return;
    if (message.kind === 'PING') {
      if (!message.reply) this.send({ kind: 'PING', nonce: message.nonce, reply: true });
      else if (message.nonce === this.#nonce) this.rttMs = this.#clock.now() - this.#pingedMs;
      return;
    }
    this.lastUsedMs = this.#clock.now();
    this.#events.message(this, message);
  }

  /** Pays for the message that has arrived. False: too many came, and the channel is closed. */
  #pay(asksOfUs: boolean): boolean {
    const cost = 1 + this.#arrivedBytes / BYTES_PER_TOKEN;
    this.#arrivedBytes = 0;
    if (!asksOfUs || this.#asking.take(cost)) return true;
    this.#end(new MeshError('rate_limited', 'The other computer sent too many messages.'));
    return false;
  }

  /** Other answers on this link must not break because of it. */
  #refuse({ taskId, code, message }: BadRequest): void {
    if (this.#pay(true)) this.send({ kind: 'TASK_ERROR', taskId, code, message });
  }

  #beat(): void {
    let limit = Infinity;
    for (const hold of this.#holds) limit = Math.min(limit, hold.beats);
    if (this.#silentBeats >= limit) {
      this.#wentSilent = true;
      this.#end(new MeshError('provider_lost', 'The other computer went silent.'));
      return;
    }
    this.#silentBeats += 1;
    this.#nonce += 1;
    this.#pingedMs = this.#clock.now();
    this.send({ kind: 'PING', nonce: this.#nonce, reply: false });
    this.#stopBeat = this.#clock.after(BEAT_MS, () => this.#beat());
  }

  #stopBeating(): void {
    this.#stopBeat?.();
    this.#stopBeat = null;
  }

  /** Counts checks and not milliseconds, as the beats do. */
  #look(looksLeft: number): void {
    this.#stopLooking = this.#clock.after(LOOK_MS, () => {
      if (this.#link.bufferedBytes <= LOW_WATER_BYTES) this.#release();
      else if (looksLeft === 0) this.#end(tooSlow());
      else this.#look(looksLeft - 1);
    });
  }

  #release(): void {
    this.#stopLooking?.();
    this.#stopLooking = null;
    const waiting = this.#drained;
    this.#drained = [];
    for (const resolve of waiting) resolve();
  }

  #end(reason: MeshError | null): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stopBeating();
    this.#release();
    this.#link.close();
    this.#events.closed(this, reason);
  }
}

function asksOfUs(message: DataMessage): boolean {
  if (isSwarmMessage(message)) return true;
  switch (message.kind) {
    case 'PING':
    case 'TASK_REQUEST':
    case 'TASK_ACK':
    case 'TASK_RECEIPT':
    case 'TASK_CANCEL':
    case 'REQUEST_PEERS':
    case 'KNOWN_PEERS':
    case 'INTRODUCE':
    case 'INTRODUCED':
    case 'INTRODUCTION':
      return true;
    case 'TASK_ACCEPTED':
    case 'TASK_CHUNK':
    case 'TASK_RESPONSE':
    case 'TASK_ERROR':
      return false;
    default:
      return message satisfies never;
  }
}

/** Did others write a part of it? The pieces of an answer come from our own engine, and are many. */
function passesOn({ kind }: DataMessage): boolean {
  return PASSING_ON.has(kind);
}

const PASSING_ON: ReadonlySet<DataMessage['kind']> = new Set<DataMessage['kind']>([
  'TASK_REQUEST',
  'TASK_ERROR',
  'KNOWN_PEERS',
  'INTRODUCE',
  'INTRODUCED',
  'INTRODUCTION',
]);

/** The message as the other end will read it. */
function checked(message: DataMessage): DataMessage {
  const read = parseData(message);
  if (read !== null) return read;
  throw new MeshError(
    'bad_message',
    'This cannot be sent: something in it is too large, or is not something the mesh carries.',
  );
}

function tooSlow(): MeshError {
  return new MeshError('provider_lost', 'The other computer is not taking in what it is sent.');
}
