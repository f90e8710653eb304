/**
 * For tests: WebRTC in one process, joined by nothing but microtasks. The stand-in for a description says only who is meant;
 * everything above it is real.
 */
import { randomBytes } from '../base/random-bytes.ts';
import type { RtcDataChannel } from '../transport/data-channel.ts';
import type { RtcPeerConnection } from '../transport/rtc-connection.ts';
import { LOW_WATER_BYTES } from '../transport/transport.ts';

type Listener = (event: never) => void;
type Description = { type: 'offer' | 'answer'; sdp: string };

class Emitter {
  readonly #listeners: { type: string; listener: Listener }[] = [];

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push({ type, listener });
  }

  emit(type: string, event: object = {}): void {
    for (const one of this.#listeners) if (one.type === type) one.listener(event as never);
  }
}

/** All connections that can find each other. */
export class MemoryRtc {
  readonly connections = new Map<string, MemoryPeerConnection>();

  connect(): MemoryPeerConnection {
    return new MemoryPeerConnection(this);
  }
}

export class MemoryPeerConnection extends Emitter implements RtcPeerConnection {
  readonly iceGatheringState = 'complete';
  connectionState = 'new';
  localDescription: Description | null = null;
  remoteDescription: Description | null = null;
  readonly #rtc: MemoryRtc;
  readonly #sdp = `v=0\r\na=fingerprint:sha-256 ${[...randomBytes(32)].map((one) => one.toString(16).padStart(2, '0')).join(':')}\r\n`;
  #channel: MemoryDataChannel | null = null;
  #negotiated: MemoryDataChannel | null = null;

  constructor(rtc: MemoryRtc) {
    super();
    this.#rtc = rtc;
    rtc.connections.set(this.#sdp, this);
  }

  createDataChannel(_label = '', { negotiated = false }: { negotiated?: boolean } = {}): MemoryDataChannel {
    const channel = new MemoryDataChannel();
    if (negotiated) this.#negotiated = channel;
    else this.#channel = channel;
    return channel;
  }

  async createOffer(): Promise<Description> {
    return { type: 'offer', sdp: this.#sdp };
  }

  async createAnswer(): Promise<Description> {
    return { type: 'answer', sdp: this.#sdp };
  }

  async setLocalDescription(description: Description): Promise<void> {
    this.localDescription = description;
  }

  async setRemoteDescription(description: Description): Promise<void> {
    if (!description.sdp.startsWith('v=0')) throw new TypeError('not a description');
    this.remoteDescription = description;
    const other = this.#rtc.connections.get(description.sdp);
    if (description.type !== 'answer' || other === undefined || this.#channel === null) return;
    // DTLS: each end takes only the certificate that it was told of.
    if (other.remoteDescription?.sdp !== this.#sdp) return;
    other.#accept(this.#channel);
    if (this.#negotiated !== null && other.#negotiated !== null) connect(this.#negotiated, other.#negotiated);
  }

  close(): void {
    if (this.connectionState === 'closed') return;
    this.connectionState = 'closed';
    this.#rtc.connections.delete(this.#sdp);
    this.#channel?.close();
    this.#negotiated?.close();
  }

  #accept(far: MemoryDataChannel): void {
    const near = new MemoryDataChannel();
    this.#channel = near;
    this.emit('datachannel', { channel: near });
    connect(near, far);
  }
}

function connect(near: MemoryDataChannel, far: MemoryDataChannel): void {
  near.join(far);
  far.join(near);
  near.open();
  far.open();
}

class MemoryDataChannel extends Emitter implements RtcDataChannel {
  binaryType = '';
  readyState = 'connecting';
  bufferedAmount = 0;
  bufferedAmountLowThreshold = LOW_WATER_BYTES;
  #other: MemoryDataChannel | null = null;

  join(other: MemoryDataChannel): void {
    this.#other = other;
  }

  open(): void {
    this.readyState = 'open';
    this.emit('open');
  }

  send(given: Uint8Array<ArrayBuffer>): void {
    const bytes = given.slice();
    const before = this.bufferedAmount;
    this.bufferedAmount = before + bytes.byteLength;
    queueMicrotask(() => {
      const was = this.bufferedAmount;
      this.bufferedAmount -= bytes.byteLength;
      if (this.#other?.readyState === 'open') this.#other.emit('message', { data: bytes });
      const low = this.bufferedAmountLowThreshold;
      if (was > low && this.bufferedAmount <= low) this.emit('bufferedamountlow');
    });
  }

  close(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    queueMicrotask(() => this.emit('close'));
    this.#other?.close();
  }
}
