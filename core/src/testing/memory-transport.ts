/** Peers in one process, joined by nothing but microtasks. For tests and the simulator; passes the transport suite. */
import { untilAborted } from '../base/abort.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import { LinkEnd } from '../transport/link-end.ts';
import type { Link, Path, Transport } from '../transport/transport.ts';

/** All the peers that can reach each other. */
export class MemoryNetwork {
  readonly peers = new Map<PeerId, MemoryTransport>();
  /** False: nobody finds anybody, as when the introducer is away. Open links stay. */
  introduces = true;
  /** Peers to which no link is ever made, and nobody says so. */
  readonly swallowed = new Set<PeerId>();

  join(self: PeerId): MemoryTransport {
    const transport = new MemoryTransport(self, this);
    this.peers.set(self, transport);
    return transport;
  }
}

export class MemoryTransport implements Transport {
  readonly self: PeerId;
  accept: ((link: Link) => void) | null = null;
  /** What this end sees of its links; two ends that see something else have somebody between them. */
  prologue: () => Uint8Array = () => new Uint8Array(0);
  #network: MemoryNetwork;
  #links = new Set<MemoryLink>();

  constructor(self: PeerId, network: MemoryNetwork) {
    this.self = self;
    this.#network = network;
  }

  async dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    await Promise.resolve();
    if (this.#network.swallowed.has(peer)) await untilAborted(new Promise(() => {}), signal);
    if (signal.aborted) throw cancelled();
    const other = this.#network.peers.get(peer);
    if (other === undefined || other.accept === null || !this.#network.introduces) {
      throw new MeshError('connect_failed', 'Could not connect to that volunteer.');
    }
    const near = new MemoryLink(peer, this.prologue);
    const far = new MemoryLink(this.self, other.prologue);
    near.join(far);
    far.join(near);
    this.#links.add(near);
    other.#links.add(far);
    other.accept(far);
    return near;
  }

  async reachable(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled();
  }

  close(): void {
    this.#network.peers.delete(this.self);
    for (const link of this.#links) link.close();
    this.#links.clear();
  }
}

/** One end of a link. Bytes are buffered until the other end reads them, a microtask later. */
export class MemoryLink extends LinkEnd implements Link {
  readonly peer: PeerId;
  readonly prologue: () => Uint8Array;
  bufferedBytes = 0;
  /** When set, nothing comes or goes any more and nobody is told, as when the power fails at this end. */
  silenced = false;
  proven = true;
  #other: MemoryLink | null = null;

  constructor(peer: PeerId, prologue: () => Uint8Array) {
    super();
    this.peer = peer;
    this.prologue = prologue;
  }

  join(other: MemoryLink): void {
    this.#other = other;
  }

  send(fragment: Uint8Array<ArrayBuffer>): void {
    if (!this.open) return;
    this.bufferedBytes += fragment.byteLength;
    queueMicrotask(() => {
      this.bufferedBytes -= fragment.byteLength;
      if (this.#other !== null && !this.silenced) this.#other.#arrive(fragment);
      if (this.bufferedBytes === 0) this.drained?.();
    });
  }

  close(): void {
    if (!this.end()) return;
    this.tellClosed();
    const other = this.#other;
    if (other !== null && !this.silenced && !other.silenced) queueMicrotask(() => other.close());
  }

  async path(): Promise<Path> {
    return 'direct';
  }

  #arrive(fragment: Uint8Array): void {
    if (!this.silenced && !this.deliver(fragment)) this.close();
  }
}
