/** One link in the swarm: what the other end has, what we asked it for, and the blocks of it that come. */
import { BoundedMap } from '../../../base/bounded-map.ts';
import type { Clock } from '../../../base/clock.ts';
import { TokenBucket } from '../../../base/token-bucket.ts';
import { MeshError } from '../../../base/errors.ts';
import type { Channel } from '../../../peers/channel.ts';
import {
  LATER_MESSAGES,
  MAX_CHUNKS_BYTES,
  MAX_PIECES_FETCHED,
  type LaterMessages,
  type SwarmMessage,
  type WantedBlocks,
} from '../../../wire/swarm-protocol.ts';
import type { BulkLane } from '../../../transport/transport.ts';
import type { LeafProof } from '../../leaf-path.ts';
import type { ContentId } from '../../piece-store.ts';
import { Assembly, readBlock } from './block.ts';
import { OwedAnswers } from './owed-answers.ts';
import { RateMeter } from './rate-meter.ts';

/** A claim to fetch a piece from a server keeps others from doing so, but not for ever. */
const FETCHING_MS = 60_000;
/** The lane opens with its link, or the other end has none. */
const OPENING_MS = 10_000;
const [NAME_MS, MANIFEST_MS, LEAF_MS] = [10_000, 10_000, 10_000];
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
  readonly #names: OwedAnswers<string, ContentId>;
  readonly #manifests: OwedAnswers<ContentId, Uint8Array>;
  readonly #leaves: OwedAnswers<number, LeafProof>;
  readonly #chunks: OwedAnswers<string, Uint8Array>;
  /** Which later messages it knows; null: it has not said so yet. */
  #knows: ReadonlySet<string> | null = null;
  readonly #introduced: OwedAnswers<'', ReadonlySet<string>>;
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
    this.#names = new OwedAnswers(clock, NAME_MS);
    this.#manifests = new OwedAnswers(clock, MANIFEST_MS);
    this.#leaves = new OwedAnswers(clock, LEAF_MS);
    this.#chunks = new OwedAnswers(clock, CHUNKS_MS);
    this.#introduced = new OwedAnswers(clock, NAME_MS);
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
    const says = message.kind === 'SEEK' || message.kind === 'HAVE';
    this.channel.send(says ? { ...message, knows: [...LATER_MESSAGES] } : message);
  }

  /** It said which later messages it knows; undefined: it is older than all of them. */
  knowsOf(knows: readonly string[] = []): void {
    this.#knows = new Set(knows);
    this.#introduced.came('', this.#knows);
  }

  /** Whether it knows these. Who has not said so yet is asked, in words that peers of all versions know. */
  async #understands(messages: LaterMessages, about: ContentId): Promise<boolean> {
    const ask = () => this.send({ kind: 'SEEK', content: about });
    const knows = this.#knows ?? (await this.#introduced.ask('', ask));
    return knows?.has(messages) === true;
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

  /** Under which content id it says that it lends the file with this SHA-256; null: it lends none, or does not say so in time. */
  async name(sha256: string): Promise<ContentId | null> {
    if (!(await this.#understands('names', sha256 as ContentId))) return null;
    return this.#names.ask(sha256, () => this.send({ kind: 'WANT_NAME', sha256 }));
  }

  nameIs(sha256: string, content: ContentId | null): void {
    this.#names.came(sha256, content);
  }

  /** What it says the manifest of this model is; null: it has none, or does not say so in time. */
  manifest(content: ContentId): Promise<Uint8Array | null> {
    return this.#manifests.ask(content, () => this.send({ kind: 'WANT_MANIFEST', content }));
  }

  manifestIs(content: ContentId, bytes: Uint8Array | null): void {
    this.#manifests.came(content, bytes);
  }

  /** Its lists of the chunks of a model; null: it has none, they would be more bytes than that, or they do not come in time. */
  async chunks(content: ContentId, mostBytes: number): Promise<Uint8Array | null> {
    if (!(await this.#understands('chunks', content))) return null;
    const parts: Uint8Array[] = [];
    let total = 0;
    for (;;) {
      const from = total;
      const part = await this.#chunks.ask(partOf(content, from), () =>
        this.send({ kind: 'WANT_CHUNKS', content, from }),
      );
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
    this.#chunks.came(partOf(content, from), bytes);
  }

  /** A leaf of a file, and its path, neither of them checked; null: it does not lend it, or does not answer in time. */
  leaf(content: ContentId, file: number, leaf: number): Promise<LeafProof | null> {
    const id = (this.#lastId += 1);
    return this.#leaves.ask(id, () => this.send({ kind: 'PROVE', id, content, file, leaf }));
  }

  leafIs(id: number, proof: LeafProof | null): void {
    this.#leaves.came(id, proof);
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
    for (const owed of [this.#introduced, this.#names, this.#manifests, this.#leaves, this.#chunks]) owed.close();
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

/** A part of the lists of a model's chunks, from this byte on. */
const partOf = (content: ContentId, from: number) => `${content} ${from}`;
