/** One link in the swarm: what the other end has, what we asked it for, and the blocks of it that come. */
import { BoundedMap } from '../../../base/bounded-map.ts';
import type { Clock } from '../../../base/clock.ts';
import { TokenBucket } from '../../../base/token-bucket.ts';
import { MeshError } from '../../../base/errors.ts';
import type { Channel } from '../../../peers/channel.ts';
import { MAX_CHUNKS_BYTES, MAX_PIECES_FETCHED, type SwarmMessage, type WantedBlocks } from '../../../protocol.ts';
import type { BulkLane } from '../../../transport/transport.ts';
import type { LeafProof } from '../../leaf-path.ts';
import type { ContentId } from '../../piece-store.ts';
import { Assembly, readBlock } from './block.ts';
import { RateMeter } from './rate-meter.ts';

/** A claim to fetch a piece from a server keeps others from doing so, but not for ever. */
const FETCHING_MS = 60_000;
/** The lane opens with its link, or the other end has none. */
const OPENING_MS = 10_000;
const MANIFEST_MS = 10_000;
const LEAF_MS = 10_000;
/** For each part of the lists of chunks: without them nothing is worse than it was. */
const CHUNKS_MS = 5_000;
/** The models that one peer may ask about. */
const MAX_SOUGHT = 256;
/** How often one peer may say again what it has of a model: its owner may change their mind. */
const MAX_TOLD = 64;
/** Answers that cost us more than the question. */
const ANSWERS = { perSecond: 2, burst: 64 };
/** Enough for everything that was cancelled while it was under way. */
const MAX_CANCELLED = 1_024;

/** Something that is asked for. Exactly one of `got` and `failed` is called, once, unless it is cancelled. */
export interface Ask {
  content: ContentId;
  what: 'piece' | 'layer';
  /** Of the piece, or of the file. */
  number: number;
  sizeBytes: number;
  /** Where its bytes are put together, called once the first of them come. Left out: in memory of its own. */
  buffer?: () => Uint8Array<ArrayBuffer>;
  got(bytes: Uint8Array<ArrayBuffer>): void;
  /** The peer declined, or is gone. */
  failed(): void;
}

/** An `Ask` under way. */
export interface Pending {
  readonly id: number;
  readonly ask: Ask;
  readonly assembly: Assembly;
  /** When it was first in the line of its peer; null: others are before it. */
  headMs: number | null;
}

export class SwarmPeer {
  readonly channel: Channel;
  readonly lane: BulkLane;
  readonly rate: RateMeter;
  /** What it is banned under. */
  readonly key: string;
  /** We asked it about these: what it said that it has, or undefined when it has not said anything yet. */
  readonly has = new Map<ContentId, Uint8Array | null | undefined>();
  /** It asked us about these. */
  readonly seeks = new BoundedMap<ContentId, true>(MAX_SOUGHT);
  /** Whether it may ask what we have, or what a model consists of, once more. */
  readonly answers: TokenBucket;
  /** Resolves with whether pieces may travel on this link: both ends have the lane, and nobody relays it. */
  readonly usable: Promise<boolean>;
  /** The peer cannot be used any more. */
  gone = false;
  /** It broke the rules. */
  outlaw = false;
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  /** Bytes that may still come, by number. */
  readonly #cancelled = new BoundedMap<number, number>(MAX_CANCELLED);
  readonly #fetching = new Map<ContentId, Map<number, number>>();
  readonly #manifests = new Map<
    ContentId,
    { answer: Promise<Uint8Array | null>; settle: (bytes: Uint8Array | null) => void }
  >();
  readonly #leaves = new Map<number, (proof: LeafProof | null) => void>();
  readonly #chunks = new Map<ContentId, { from: number; settle: (bytes: Uint8Array | null) => void }>();
  #useless = () => {};
  #stopTimer = () => {};
  #told = 0;
  #lastId = 0;

  constructor(channel: Channel, lane: BulkLane, key: string, clock: Clock) {
    this.channel = channel;
    this.lane = lane;
    this.key = key;
    this.#clock = clock;
    this.rate = new RateMeter(clock);
    this.answers = new TokenBucket(clock, ANSWERS);
    lane.receive = (block) => this.#receive(block);
    const opened = new Promise<boolean>((resolve) => {
      this.#useless = () => resolve(false);
      lane.opened = () => resolve(true);
      this.#stopTimer = clock.after(OPENING_MS, this.#useless);
    });
    this.usable = opened.then(async (open) => {
      this.#stopTimer();
      try {
        return open && (await channel.path()) !== 'relay';
      } catch {
        // The connection is gone.
        return false;
      }
    });
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** The first of what it was asked for: it answers in order. */
  get head(): Pending | null {
    for (const pending of this.#pending.values()) return pending;
    return null;
  }

  send(message: SwarmMessage): void {
    this.channel.send(message);
  }

  /** Asks once about each model. */
  seek(content: ContentId): void {
    if (this.has.has(content)) return;
    this.has.set(content, undefined);
    this.send({ kind: 'SEEK', content });
  }

  /** Asks for all of these at once. */
  ask(content: ContentId, asks: readonly Ask[]): Pending[] {
    const wants: WantedBlocks[] = [];
    const all = asks.map((ask) => {
      const id = (this.#lastId += 1);
      const pending: Pending = { id, ask, assembly: new Assembly(ask.sizeBytes, ask.buffer), headMs: null };
      this.#pending.set(id, pending);
      wants.push(
        ask.what === 'piece' ? { id, what: 'piece', piece: ask.number } : { id, what: 'layer', file: ask.number },
      );
      return pending;
    });
    this.#advance();
    this.send({ kind: 'WANT', content, wants });
    return all;
  }

  /** Nothing of it is needed any more; neither of its callbacks comes. */
  cancel(pending: readonly Pending[]): void {
    const ids: number[] = [];
    for (const { id, assembly } of pending) {
      if (!this.#pending.delete(id)) continue;
      this.#cancelled.set(id, assembly.sizeBytes - assembly.receivedBytes);
      ids.push(id);
    }
    if (ids.length > 0) this.send({ kind: 'UNWANT', ids });
    this.#advance();
  }

  /** What it has of a model was said once more. False: so often that it only costs us. */
  told(): boolean {
    this.#told += 1;
    return this.#told <= MAX_TOLD * this.has.size;
  }

  /** Everything that it was asked for of this model. */
  of(content: ContentId): Pending[] {
    return [...this.#pending.values()].filter(({ ask }) => ask.content === content);
  }

  declined(ids: readonly number[]): void {
    for (const id of ids) {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      this.#cancelled.delete(id);
      pending?.ask.failed();
    }
    this.#advance();
  }

  /** What it says the manifest of this model is; null: it has none, or does not say so in time. */
  async manifest(content: ContentId): Promise<Uint8Array | null> {
    const waiting = this.#manifests.get(content);
    if (waiting !== undefined) return waiting.answer;
    let settle: (bytes: Uint8Array | null) => void = () => {};
    const answer = new Promise<Uint8Array | null>((resolve) => {
      settle = resolve;
    });
    const stopTimer = this.#clock.after(MANIFEST_MS, () => settle(null));
    this.#manifests.set(content, { answer, settle });
    this.send({ kind: 'WANT_MANIFEST', content });
    const bytes = await answer;
    stopTimer();
    this.#manifests.delete(content);
    return bytes;
  }

  /** Its lists of the chunks of a model; null: it has none, they would be more bytes than that, or they do not come in time. */
  async chunks(content: ContentId, mostBytes: number): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    let total = 0;
    for (;;) {
      const part = await this.#chunksFrom(content, total);
      if (part === null || total + part.byteLength > mostBytes) return null;
      parts.push(part);
      total += part.byteLength;
      if (part.byteLength < MAX_CHUNKS_BYTES) break;
    }
    const all = new Uint8Array(total);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.byteLength;
    }
    return all;
  }

  chunksAre(content: ContentId, from: number, bytes: Uint8Array | null): void {
    const waiting = this.#chunks.get(content);
    if (waiting?.from === from) waiting.settle(bytes);
  }

  manifestIs(content: ContentId, bytes: Uint8Array | null): void {
    this.#manifests.get(content)?.settle(bytes);
  }

  /** A leaf of a file, and its path, neither of them checked; null: it does not lend it, or does not answer in time. */
  async leaf(content: ContentId, file: number, leaf: number): Promise<LeafProof | null> {
    const id = (this.#lastId += 1);
    let settle: (proof: LeafProof | null) => void = () => {};
    const answer = new Promise<LeafProof | null>((resolve) => {
      settle = resolve;
    });
    const stopTimer = this.#clock.after(LEAF_MS, () => settle(null));
    this.#leaves.set(id, settle);
    if (this.gone) settle(null);
    else this.send({ kind: 'PROVE', id, content, file, leaf });
    const proof = await answer;
    stopTimer();
    this.#leaves.delete(id);
    return proof;
  }

  leafIs(id: number, proof: LeafProof | null): void {
    this.#leaves.get(id)?.(proof);
  }

  /** It says that it fetches these from a server. */
  fetches(content: ContentId, pieces: readonly number[]): void {
    if (!this.has.has(content)) return;
    const before = this.#fetching.get(content);
    const nowMs = this.#clock.now();
    const fetching = pieces.slice(0, MAX_PIECES_FETCHED).map((piece) => [piece, before?.get(piece) ?? nowMs] as const);
    this.#fetching.set(content, new Map(fetching));
  }

  isFetching(content: ContentId, piece: number): boolean {
    const sinceMs = this.#fetching.get(content)?.get(piece);
    return sinceMs !== undefined && this.#clock.now() - sinceMs < FETCHING_MS;
  }

  /** It broke the rules of the exchange, so nothing else that it says can be trusted. */
  broke(): void {
    this.outlaw = true;
    this.channel.fail(
      new MeshError(
        'bad_message',
        'The other computer sent parts of a model that it was not asked for, or that are not any.',
      ),
    );
  }

  /** The channel is gone. */
  close(): void {
    this.gone = true;
    this.#useless();
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const { ask } of all) ask.failed();
    for (const settle of this.#leaves.values()) settle(null);
    for (const { settle } of [...this.#manifests.values(), ...this.#chunks.values()]) settle(null);
  }

  async #chunksFrom(content: ContentId, from: number): Promise<Uint8Array | null> {
    if (this.gone) return null;
    let stopTimer = () => {};
    const answer = new Promise<Uint8Array | null>((settle) => {
      this.#chunks.set(content, { from, settle });
      stopTimer = this.#clock.after(CHUNKS_MS, () => settle(null));
    });
    this.send({ kind: 'WANT_CHUNKS', content, from });
    const bytes = await answer;
    stopTimer();
    this.#chunks.delete(content);
    return bytes;
  }

  #receive(bytes: Uint8Array): void {
    if (this.gone) return;
    const block = readBlock(bytes);
    if (block === null) {
      this.broke();
      return;
    }
    this.channel.alive();
    const pending = this.#pending.get(block.id);
    if (pending === undefined) {
      const left = (this.#cancelled.get(block.id) ?? 0) - block.bytes.byteLength;
      if (left < 0) this.broke();
      else this.#cancelled.set(block.id, left);
      return;
    }
    if (pending !== this.head || !pending.assembly.add(block)) {
      this.broke();
      return;
    }
    this.rate.add(block.bytes.byteLength);
    const whole = pending.assembly.take();
    if (whole !== null) {
      this.#pending.delete(block.id);
      this.#advance();
      pending.ask.got(whole);
    }
  }

  #advance(): void {
    const { head } = this;
    if (head !== null) head.headMs ??= this.#clock.now();
  }
}
