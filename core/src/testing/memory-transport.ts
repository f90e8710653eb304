/** Peers in one process, joined by nothing but microtasks. For tests and the simulator; passes the transport suite. */
import { freeBuffer } from '../transport/free-buffer.ts';
import { untilAborted } from '../base/abort.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import { LinkEnd } from '../transport/link-end.ts';
import { BULK_LOW_WATER_BYTES, type BulkLane, type Link, type Path, type Transport } from '../transport/transport.ts';
import type { Clock } from '../base/clock.ts';

export interface LanePace {
  clock: Clock;
  bytesPerSecond: number;
}

/** All the peers that can reach each other. */
export class MemoryNetwork {
  readonly peers = new Map<PeerId, MemoryTransport>();
  /** False: nobody finds anybody, as when the introducer is away. Open links stay. */
  introduces = true;
  /** Peers to which no link is ever made, and nobody says so. */
  readonly swallowed = new Set<PeerId>();
  /** How fast the bulk lanes of links made from now on are, each way; null: as fast as microtasks. */
  bulk: LanePace | null = null;
  /** The way that links made from now on say they take. */
  path: Path = 'direct';

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
    const near = new MemoryLink(peer, this.prologue, this.#network);
    const far = new MemoryLink(this.self, other.prologue, this.#network);
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
  readonly bulk: MemoryLane;
  #other: MemoryLink | null = null;

  readonly #path: Path;

  constructor(peer: PeerId, prologue: () => Uint8Array, { bulk: pace, path }: Pick<MemoryNetwork, 'bulk' | 'path'>) {
    super();
    this.#path = path;
    this.bulk = new MemoryLane(pace, () => this.open && !this.silenced && this.#other?.silenced === false);
    this.bulk.failed = () => this.close();
    this.peer = peer;
    this.prologue = prologue;
  }

  join(other: MemoryLink): void {
    this.#other = other;
    this.bulk.join(other.bulk);
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
    return this.#path;
  }

  #arrive(fragment: Uint8Array): void {
    if (!this.silenced && !this.deliver(fragment)) this.close();
  }
}

/** One end of a link's bulk lane. Blocks arrive a microtask later, or when the pace has it. */
class MemoryLane implements BulkLane {
  readonly open = true;
  bufferedBytes = 0;
  receive: ((block: Uint8Array) => void) | null = null;
  drained: (() => void) | null = null;
  failed: (() => void) | null = null;
  readonly #pace: LanePace | null;
  readonly #alive: () => boolean;
  #other: MemoryLane | null = null;
  #freeAtMs = 0;

  constructor(pace: LanePace | null, alive: () => boolean) {
    this.#pace = pace;
    this.#alive = alive;
  }

  set opened(opened: (() => void) | null) {
    opened?.();
  }

  join(other: MemoryLane): void {
    this.#other = other;
  }

  send(given: Uint8Array<ArrayBuffer>): void {
    if (!this.#alive()) return;
    // As lanes do that copy it into the channel: nobody may look at it afterwards.
    const block = Uint8Array.from(given);
    freeBuffer(given.buffer);
    this.bufferedBytes += block.byteLength;
    if (this.#pace === null) {
      queueMicrotask(() => this.#arrive(block));
      return;
    }
    const { clock, bytesPerSecond } = this.#pace;
    const nowMs = clock.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (block.byteLength / bytesPerSecond) * 1000;
    clock.after(this.#freeAtMs - nowMs, () => this.#arrive(block));
  }

  #arrive(block: Uint8Array<ArrayBuffer>): void {
    const before = this.bufferedBytes;
    this.bufferedBytes -= block.byteLength;
    if (this.#alive() && this.#other !== null) {
      if (this.#other.receive === null) this.#other.failed?.();
      else this.#other.receive(block);
    }
    // It was only lent.
    freeBuffer(block.buffer);
    if (before > BULK_LOW_WATER_BYTES && this.bufferedBytes <= BULK_LOW_WATER_BYTES) this.drained?.();
  }
}
