/** One data channel as a link, set up by PeerJS or by hand (`rtc-connection.ts`). */
import { dtlsPrologue } from './dtls-prologue.ts';
import type { PeerId } from '../base/ids.ts';
import type { BulkConnection, DataChannelLane } from './bulk-lane.ts';
import type { LinkDataChannel } from './data-channel.ts';
import { LinkEnd, BrokenWhileSealing } from './link-end.ts';
import { LOW_WATER_BYTES, type Link, type Path } from './transport.ts';

/** What is used of PeerJS's `DataConnection` and the WebRTC objects behind it. */
export interface PeerJsConnection extends LinkConnection {
  readonly peerConnection: (LinkPeerConnection & Partial<BulkConnection>) | null;
  readonly peer: string;
  readonly connectionId: string;
}

/** What a link needs of it, whoever set it up. */
export interface LinkConnection {
  readonly dataChannel: LinkDataChannel | null;
  readonly peerConnection: LinkPeerConnection | null;
  on(event: 'open' | 'close', listener: () => void): unknown;
  on(event: 'data', listener: (data: unknown) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  close(): void;
}

export interface LinkPeerConnection {
  readonly localDescription: { readonly sdp: string } | null;
  readonly remoteDescription: { readonly sdp: string } | null;
  getStats?(): Promise<Iterable<[string, StatsEntry]>>;
}

/** The fields of W3C WebRTC Statistics (§8) that say which pair of candidates carries the bytes. */
interface StatsEntry {
  type: string;
  id: string;
  selectedCandidatePairId?: string;
  localCandidateId?: string;
  remoteCandidateId?: string;
  candidateType?: string;
  nominated?: boolean;
  state?: string;
}

export class WebRtcLink extends LinkEnd implements Link {
  readonly peer: PeerId;
  #connection: LinkConnection;
  #channel: LinkDataChannel | null;
  #forget: () => void;
  readonly bulk: DataChannelLane | null;

  /** `connection` must be open. `forget` is called when the link is gone. */
  constructor(connection: LinkConnection, peer: PeerId, forget: () => void, bulk: DataChannelLane | null) {
    super();
    this.peer = peer;
    this.bulk = bulk;
    if (bulk !== null) bulk.failed = () => this.close();
    this.#connection = connection;
    this.#channel = connection.dataChannel;
    this.#forget = forget;
    if (this.#channel !== null) {
      this.#channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
      this.#channel.addEventListener('bufferedamountlow', () => this.drained?.());
    }
    connection.on('data', (data) => {
      if (data instanceof ArrayBuffer) this.#arrive(new Uint8Array(data));
      else if (data instanceof Uint8Array) this.#arrive(data);
      // Text is not of this protocol. One empty fragment says so to whoever reads.
      else this.#arrive(new Uint8Array(0));
    });
    connection.on('close', () => this.close());
    connection.on('error', () => this.close());
  }

  get bufferedBytes(): number {
    return this.#channel?.bufferedAmount ?? 0;
  }

  send(fragment: Uint8Array<ArrayBuffer>): void {
    if (!this.open) return;
    try {
      this.#channel?.send(fragment);
    } catch {
      // The channel closed under us, or its buffer is full although we stop long before: it is of no more use.
      this.close();
    }
  }

  close(): void {
    if (!this.end()) return;
    this.bulk?.end();
    this.#channel = null;
    this.#connection.close();
    this.#forget();
    this.tellClosed();
  }

  /** Both DTLS fingerprints (`dtls-prologue.ts`). Throws connect_failed once the connection is gone. */
  prologue(): Uint8Array {
    const { localDescription, remoteDescription } = this.#connection.peerConnection ?? {};
    // PeerJS lets go of both as soon as it closes.
    if (!localDescription || !remoteDescription) throw new BrokenWhileSealing();
    return dtlsPrologue(localDescription.sdp, remoteDescription.sdp);
  }

  async path(): Promise<Path | null> {
    const stats = await this.#connection.peerConnection?.getStats?.();
    return stats === undefined ? null : pathOf(new Map(stats));
  }

  #arrive(fragment: Uint8Array): void {
    if (!this.deliver(fragment)) this.close();
  }
}

/** A relay at either end makes the whole path one. */
function pathOf(stats: ReadonlyMap<string, StatsEntry>): Path | null {
  const entries = [...stats.values()];
  const selected = entries.find((entry) => entry.type === 'transport')?.selectedCandidatePairId;
  const pair =
    selected !== undefined
      ? stats.get(selected)
      : entries.find(
          (entry) => entry.type === 'candidate-pair' && entry.nominated === true && entry.state === 'succeeded',
        );
  if (pair === undefined) return null;
  const ends = [pair.localCandidateId, pair.remoteCandidateId].map((id) => stats.get(id ?? '')?.candidateType);
  return ends.includes('relay') ? 'relay' : 'direct';
}
