/** What others asked us for: read piece by piece and sent in turns, as long as the owner's limits allow. */
import type { Clock } from '../../base/clock.ts';
import { MAX_WANTS, type WantedBlocks } from '../../wire/swarm-protocol.ts';
import { freeBuffer } from '../../transport/free-buffer.ts';
import { BULK_HIGH_WATER_BYTES } from '../../transport/transport.ts';
import type { ContentId, StoredContent } from '../piece-store.ts';
import type { SeedLimits } from '../swarm-port.ts';
import { BLOCK_BYTES, writeBlock } from './link/block.ts';
import { RateMeter } from './link/rate-meter.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';

/** Pieces that are in memory to be sent, to all peers and to each. */
const [MAX_SENDING, MAX_SENDING_EACH] = [8, 2];
/** Who takes nothing for so long loses its turn: others wait. */
const STUCK_MS = 15_000;
const DAY_MS = 86_400_000;

export interface UploadsOptions {
  /** The model, when it is lent; null: it is not. */
  lent: (content: ContentId) => StoredContent | null;
  /** What this peer gets of it, whatever the owner's limits are; null: no more than others. */
  given: (peer: SwarmPeer, content: ContentId) => StoredContent | null;
  /** So many bytes of what is given are on their way. */
  sent: (peer: SwarmPeer, content: ContentId, bytes: number) => void;
  limits: () => SeedLimits;
  sentToday: number;
  /** The disk lost something of a model that is lent. */
  lost: (content: ContentId, thrown: unknown) => void;
  clock: Clock;
  now: () => number;
}

interface Wanted {
  content: ContentId;
  want: WantedBlocks;
}

interface Sending {
  id: number;
  content: ContentId;
  /** It is for this peer alone, and the owner's limits are not about it. */
  given: boolean;
  /** Null: it is being read. */
  bytes: Uint8Array | null;
  /** What was read for it and nobody else has; null: nothing. */
  own: ArrayBuffer | null;
  offset: number;
  movedMs: number;
}

interface Queue {
  wanted: Wanted[];
  /** The first is being sent; the next is read meanwhile. */
  sending: Sending[];
  lastId: number;
}

export class Uploads {
  readonly rate: RateMeter;
  readonly #options: UploadsOptions;
  readonly #queues = new Map<SwarmPeer, Queue>();
  #sentToday: number;
  #day: number;
  /** When the owner's limit lets the next block go. */
  #freeAtMs = 0;
  #stopTimer: (() => void) | null = null;
  #pumping = false;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#sentToday = options.sentToday;
    this.#day = this.#today();
    this.rate = new RateMeter(options.clock);
  }

  /** Bytes, on this day (UTC). */
  get sentToday(): number {
    this.#turnDay();
    return this.#sentToday;
  }

  /** Whether anything may be sent now. */
  get allowed(): boolean {
    const { seeding, bytesPerDay } = this.#options.limits();
    return seeding && (bytesPerDay === null || this.sentToday < bytesPerDay);
  }

  want(peer: SwarmPeer, content: ContentId, wants: readonly WantedBlocks[]): void {
    let queue = this.#queues.get(peer);
    if (queue === undefined) {
      queue = { wanted: [], sending: [], lastId: -1 };
      this.#queues.set(peer, queue);
      peer.lane.drained = () => this.#pump();
    }
    const declined: number[] = [];
    for (const want of wants) {
      // A number that was used before would make two answers look like one.
      if (want.id <= queue.lastId) {
        peer.broke();
        return;
      }
      queue.lastId = want.id;
      if (queue.wanted.length >= MAX_WANTS || !this.#has(peer, content, want)) declined.push(want.id);
      else queue.wanted.push({ content, want });
    }
    if (declined.length > 0) peer.send({ kind: 'DECLINE', ids: declined });
    this.#pump();
  }

  unwant(peer: SwarmPeer, ids: readonly number[]): void {
    const queue = this.#queues.get(peer);
    if (queue === undefined) return;
    queue.wanted = queue.wanted.filter(({ want }) => !ids.includes(want.id));
    queue.sending = queue.sending.filter(({ id }) => !ids.includes(id));
    this.#pump();
  }

  /** It is not lent any more; `to`: not given to this one. */
  stop(content: ContentId, to: SwarmPeer | null = null): void {
    for (const [peer, queue] of this.#queues) {
      if (to !== null && peer !== to) continue;
      const ids = queue.wanted.filter((wanted) => wanted.content === content).map(({ want }) => want.id);
      queue.wanted = queue.wanted.filter((wanted) => wanted.content !== content);
      if (ids.length > 0) peer.send({ kind: 'DECLINE', ids });
    }
  }

  closed(peer: SwarmPeer): void {
    this.#queues.delete(peer);
    this.#pump();
  }

  close(): void {
    this.#stopTimer?.();
    this.#queues.clear();
  }

  #has(peer: SwarmPeer, content: ContentId, want: WantedBlocks): boolean {
    const stored = this.#for(peer, content);
    if (stored === null) return false;
    return want.what === 'layer' ? want.file < stored.manifest.files.length : stored.pieces.has(want.piece);
  }

  #for(peer: SwarmPeer, content: ContentId): StoredContent | null {
    return this.#options.given(peer, content) ?? (this.allowed ? this.#options.lent(content) : null);
  }

  /** Sends to each in turn until nobody takes any more. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#stopTimer?.();
    this.#stopTimer = null;
    let moved = true;
    while (moved) {
      moved = false;
      for (const [peer, queue] of this.#queues) if (this.#step(peer, queue)) moved = true;
    }
    this.#pumping = false;
    this.#wait();
  }

  /** False: this one has to wait. */
  #step(peer: SwarmPeer, queue: Queue): boolean {
    const { clock } = this.#options;
    while (this.#begin(peer, queue));
    const [sending] = queue.sending;
    if (sending === undefined || sending.bytes === null) return false;
    if (!sending.given && clock.now() < this.#freeAtMs) return false;
    if (!sending.given && !this.allowed) {
      this.#decline(peer, queue);
      return true;
    }
    if (peer.lane.bufferedBytes >= BULK_HIGH_WATER_BYTES) {
      if (clock.now() - sending.movedMs < STUCK_MS) return false;
      this.#decline(peer, queue);
      return true;
    }
    const block = writeBlock(sending.id, sending.bytes, sending.offset);
    const sentBytes = block.byteLength;
    // Which takes it over: it may be empty afterwards.
    peer.lane.send(block);
    peer.channel.alive();
    sending.offset += BLOCK_BYTES;
    sending.movedMs = clock.now();
    this.rate.add(sentBytes);
    if (sending.given) this.#options.sent(peer, sending.content, sentBytes);
    else this.#count(sentBytes);
    if (sending.offset >= sending.bytes.byteLength) {
      queue.sending.shift();
      if (sending.own !== null) freeBuffer(sending.own);
      // Whoever was served goes behind those who wait.
      this.#queues.delete(peer);
      this.#queues.set(peer, queue);
    }
    return true;
  }

  /** It counts for the owner's limits. */
  #count(sentBytes: number): void {
    this.#turnDay();
    this.#sentToday += sentBytes;
    const { bytesPerSecond } = this.#options.limits();
    if (bytesPerSecond === null) return;
    const nowMs = this.#options.clock.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (sentBytes / Math.max(1, bytesPerSecond)) * 1000;
  }

  /** Reads the next of what it wants. False: it wants nothing, or too much is in memory. */
  #begin(peer: SwarmPeer, queue: Queue): boolean {
    let inMemory = 0;
    for (const { sending } of this.#queues.values()) inMemory += sending.length;
    if (inMemory >= MAX_SENDING || queue.sending.length >= MAX_SENDING_EACH) return false;
    const next = queue.wanted.shift();
    if (next === undefined) return false;
    const { content, want } = next;
    const stored = this.#for(peer, content);
    if (stored === null || !this.#has(peer, content, want)) {
      peer.send({ kind: 'DECLINE', ids: [want.id] });
      return true;
    }
    const given = this.#options.given(peer, content) !== null;
    const sending: Sending = {
      ...{ id: want.id, content, given, bytes: null, own: null, offset: 0 },
      movedMs: this.#options.clock.now(),
    };
    queue.sending.push(sending);
    void this.#read(peer, queue, sending, stored, want);
    return true;
  }

  async #read(peer: SwarmPeer, queue: Queue, sending: Sending, stored: StoredContent, want: WantedBlocks) {
    let bytes: Uint8Array | null = null;
    let own: ArrayBuffer | null = null;
    try {
      if (want.what === 'layer') bytes = await stored.layer(want.file);
      else {
        const piece = await stored.read(want.piece);
        [bytes, own] = [piece, piece.buffer];
      }
    } catch (thrown) {
      this.#options.lost(stored.content, thrown);
    }
    // It may not be wanted any more.
    if (!queue.sending.includes(sending)) return;
    Object.assign(sending, { bytes, own });
    sending.movedMs = this.#options.clock.now();
    if (bytes === null) {
      queue.sending = queue.sending.filter((one) => one !== sending);
      peer.send({ kind: 'DECLINE', ids: [want.id] });
    }
    this.#pump();
  }

  /** Nothing goes to it for now: it asks somebody else. */
  #decline(peer: SwarmPeer, queue: Queue): void {
    const ids = [...queue.sending.map(({ id }) => id), ...queue.wanted.splice(0).map(({ want }) => want.id)];
    queue.sending = [];
    if (ids.length > 0) peer.send({ kind: 'DECLINE', ids });
  }

  /** The limit, or somebody's full buffer, ends without an event. */
  #wait(): void {
    const nowMs = this.#options.clock.now();
    if (![...this.#queues.values()].some(({ sending }) => sending[0]?.bytes != null)) return;
    const inMs = this.#freeAtMs > nowMs ? this.#freeAtMs - nowMs : 500;
    this.#stopTimer = this.#options.clock.after(inMs, () => {
      this.#stopTimer = null;
      this.#pump();
    });
  }

  #turnDay(): void {
    const today = this.#today();
    if (today !== this.#day) [this.#day, this.#sentToday] = [today, 0];
  }

  #today(): number {
    return Math.floor(this.#options.now() / DAY_MS);
  }
}
