/** One WebRTC connection with one data channel, set up by hand where there is no PeerJS to do it. */
import type { Clock } from '../base/clock.ts';
import { MeshError } from '../base/errors.ts';
import { DataChannelLane } from './bulk-lane.ts';
import type { RtcDataChannel } from './data-channel.ts';
import type { LinkConnection } from './webrtc-link.ts';
import { MAX_DESCRIPTION_CHARS } from '../protocol.ts';

/** Addresses found later than this are not sent: the first ones are those of this computer and its network. */
const GATHERING_MS = 1_000;

/** The part of W3C's `RTCPeerConnection` that we use. */
export interface RtcPeerConnection {
  readonly localDescription: { readonly sdp: string } | null;
  readonly remoteDescription: { readonly sdp: string } | null;
  readonly iceGatheringState: string;
  readonly connectionState: string;
  createDataChannel(label: string, options: { ordered: boolean; negotiated?: boolean; id?: number }): RtcDataChannel;
  createOffer(): PromiseLike<Description>;
  createAnswer(): PromiseLike<Description>;
  setLocalDescription(description: Description): Promise<void>;
  setRemoteDescription(description: { type: 'offer' | 'answer'; sdp: string }): Promise<void>;
  addEventListener(type: string, listener: (event: never) => void): void;
  close(): void;
}

interface Description {
  type: 'offer' | 'answer';
  sdp: string;
}

export class RtcConnection implements LinkConnection {
  readonly peerConnection: RtcPeerConnection;
  readonly #clock: Clock;
  readonly bulk: DataChannelLane;
  #channel: RtcDataChannel | null = null;
  #listeners: { [event: string]: ((value: unknown) => void)[] } = {};
  #closed = false;

  constructor(peerConnection: RtcPeerConnection, clock: Clock) {
    this.peerConnection = peerConnection;
    this.#clock = clock;
    this.bulk = new DataChannelLane(peerConnection);
    peerConnection.addEventListener('connectionstatechange', () => {
      const { connectionState } = peerConnection;
      if (connectionState === 'failed' || connectionState === 'closed') this.close();
    });
    // It is ours, or the other end's; any after the first is useless.
    peerConnection.addEventListener('datachannel', ({ channel }: { channel: RtcDataChannel }) => this.#take(channel));
  }

  get dataChannel(): RtcDataChannel | null {
    return this.#channel;
  }

  on(event: 'open' | 'close' | 'data' | 'error', listener: (value: unknown) => void): void {
    (this.#listeners[event] ??= []).push(listener);
    // The event comes late, as all events do.
    if (event === 'open' && this.#channel?.readyState === 'open') queueMicrotask(() => this.#emit('open'));
    if (event === 'close' && this.#closed) queueMicrotask(() => this.#emit('close'));
  }

  async offer(): Promise<string> {
    const { peerConnection } = this;
    this.#take(peerConnection.createDataChannel('llmesh', { ordered: true }));
    return this.#describe(await peerConnection.createOffer());
  }

  async answer(sdp: string): Promise<string> {
    await this.peerConnection.setRemoteDescription({ type: 'offer', sdp });
    return this.#describe(await this.peerConnection.createAnswer());
  }

  async answered(sdp: string): Promise<void> {
    await this.peerConnection.setRemoteDescription({ type: 'answer', sdp });
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.peerConnection.close();
    this.#emit('close');
  }

  async #describe(description: Description): Promise<string> {
    const { peerConnection } = this;
    await peerConnection.setLocalDescription(description);
    if (peerConnection.iceGatheringState !== 'complete') {
      await new Promise<void>((resolve) => {
        const stopTimer = this.#clock.after(GATHERING_MS, resolve);
        peerConnection.addEventListener('icegatheringstatechange', () => {
          if (peerConnection.iceGatheringState !== 'complete') return;
          stopTimer();
          resolve();
        });
      });
    }
    const sdp = peerConnection.localDescription?.sdp ?? '';
    if (this.#closed || sdp === '' || sdp.length > MAX_DESCRIPTION_CHARS) {
      throw new MeshError('connect_failed', 'This computer could not find out how it can be reached.');
    }
    return sdp;
  }

  #take(channel: RtcDataChannel): void {
    if (this.#channel !== null) return;
    this.#channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('open', () => this.#emit('open'));
    channel.addEventListener('message', ({ data }: { data: unknown }) => this.#emit('data', data));
    channel.addEventListener('close', () => this.close());
    if (channel.readyState === 'open') queueMicrotask(() => this.#emit('open'));
  }

  #emit(event: string, value?: unknown): void {
    for (const listener of this.#listeners[event] ?? []) listener(value);
  }
}
