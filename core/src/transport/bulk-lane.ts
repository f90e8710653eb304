/**
 * The bulk lane of a WebRTC connection: a second data channel that both ends open on their own under one number (RFC 8832 §1,
 * "negotiated" channels), so that nobody has to announce it. The first message of either end says that it knows the lane;
 * until then it is not open, since peers of older versions have none.
 */
import { freeBuffer } from './free-buffer.ts';
import { BULK_LOW_WATER_BYTES, MAX_BULK_BYTES, type BulkLane } from './transport.ts';
import type { RtcDataChannel } from './data-channel.ts';

/** PeerJS and WebRTC give out numbers from 0, one for each other channel, and there is one. */
const CHANNEL_ID = 7;
/** The first message, and the version of the lane. */
const GREETING = 1;

/** The part of a WebRTC connection that makes the channel. */
export interface BulkConnection {
  createDataChannel(label: string, options: { ordered: boolean; negotiated: boolean; id: number }): RtcDataChannel;
}

export class DataChannelLane implements BulkLane {
  receive: ((block: Uint8Array) => void) | null = null;
  drained: (() => void) | null = null;
  /** Set by the link: the lane broke, or something came on it that nobody asked for. */
  failed: (() => void) | null = null;
  readonly #channel: RtcDataChannel;
  #opened: (() => void) | null = null;
  #state: 'waiting' | 'open' | 'ended' = 'waiting';

  /** Called as soon as there is the connection, so that the channel is there before the first message for it. */
  constructor(connection: BulkConnection) {
    const channel = connection.createDataChannel('bulk', { ordered: true, negotiated: true, id: CHANNEL_ID });
    this.#channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = BULK_LOW_WATER_BYTES;
    const greet = () => this.#send(new Uint8Array([GREETING]));
    if (channel.readyState === 'open') greet();
    else channel.addEventListener('open', greet);
    channel.addEventListener('message', ({ data }: { data: unknown }) => this.#arrive(data));
    channel.addEventListener('bufferedamountlow', () => this.drained?.());
    channel.addEventListener('close', () => this.#fail());
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  get opened(): (() => void) | null {
    return this.#opened;
  }

  set opened(opened: (() => void) | null) {
    this.#opened = opened;
    if (this.open) opened?.();
  }

  get bufferedBytes(): number {
    return this.open ? this.#channel.bufferedAmount : 0;
  }

  send(block: Uint8Array<ArrayBuffer>): void {
    if (this.open) this.#send(block);
  }

  /** Its link is closed, and the channel with it. */
  end(): void {
    this.#state = 'ended';
  }

  #send(block: Uint8Array<ArrayBuffer>): void {
    try {
      // Which copies it.
      this.#channel.send(block);
      freeBuffer(block.buffer);
    } catch {
      // The channel closed under us, or its buffer is full although we stop long before.
      this.#fail();
    }
  }

  #arrive(data: unknown): void {
    if (this.#state === 'ended') return;
    const block = data instanceof ArrayBuffer ? new Uint8Array(data) : data instanceof Uint8Array ? data : null;
    if (this.#state === 'waiting') {
      // Whoever begins with something else has another lane under this number.
      if (block?.byteLength !== 1 || block[0] !== GREETING) this.end();
      else {
        this.#state = 'open';
        this.#opened?.();
      }
      return;
    }
    // What comes before we listen, nobody has asked for.
    if (block === null || block.byteLength > MAX_BULK_BYTES || this.receive === null) this.#fail();
    else {
      this.receive(block);
      if (data instanceof ArrayBuffer) freeBuffer(data);
    }
  }

  #fail(): void {
    const was = this.open;
    this.end();
    if (was) this.failed?.();
  }
}
