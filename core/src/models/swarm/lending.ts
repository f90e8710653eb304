/** What this peer lends, and whom it tells so: those who asked about it, and the index of holders. */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Clock } from '../../base/clock.ts';
import { MAX_PIECES_NAMED } from '../../wire/swarm-protocol.ts';
import type { ContentId, PieceStore, StoredContent } from '../piece-store.ts';
import type { HolderIndex } from '../swarm-port.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';

/** New pieces are told together: each message costs both ends something. */
const TELL_MS = 150;
/** How soon a changed mind of the owner is noticed. */
const LOOK_MS = 2_000;

export interface LendingOptions {
  store: PieceStore;
  hold: (held: Parameters<HolderIndex['hold']>[0]) => void;
  /** Whether the owner's limits let anything go now. */
  allowed: () => boolean;
  peers: () => Iterable<SwarmPeer>;
  /** Nothing of it is sent any more. */
  stopped: (content: ContentId) => void;
  clock: Clock;
}

interface Lent {
  stored: StoredContent;
  /** It is ours to close; otherwise it belongs to the fetch that writes it. */
  own: boolean;
  gained: number[];
}

export class Lending {
  readonly #options: LendingOptions;
  readonly #lent = new Map<ContentId, Lent>();
  #chosen = new Set<ContentId>();
  #allowed: boolean;
  #stopTell: (() => void) | null = null;
  #stopLook: () => void;
  /** Changes of what is lent come one after another. */
  #changing: Promise<void> = Promise.resolve();
  /** Models are cut into chunks one after another. */
  #cutting: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LendingOptions) {
    this.#options = options;
    this.#allowed = options.allowed();
    this.#stopLook = options.clock.after(LOOK_MS, () => this.#look());
  }

  /** All that is lent now, when the limits allow it. */
  get contents(): ContentId[] {
    return [...this.#lent.keys()];
  }

  /** Null: it is not lent. */
  get(content: ContentId): StoredContent | null {
    return this.#lent.get(content)?.stored ?? null;
  }

  /** Under which content id the file with this SHA-256 is lent, as a model of its own; null: it is not. */
  named(sha256: string): ContentId | null {
    for (const [content, { stored }] of this.#lent) if (soleFile(stored) === sha256) return content;
    return null;
  }

  /** Lends these of what is in the store, and what fetches lend. Rejects when the store cannot open one. */
  choose(contents: readonly ContentId[]): Promise<void> {
    this.#chosen = new Set(contents);
    return this.#change(async () => {
      for (const [content, { own }] of this.#lent) if (own && !this.#chosen.has(content)) await this.#drop(content);
      for (const content of this.#chosen) await this.#open(content);
    });
  }

  /** A fetch lends what it has so far. */
  begin(stored: StoredContent): Promise<void> {
    return this.#change(async () => {
      await this.#drop(stored.content);
      this.#add(stored, false);
    });
  }

  /** The fetch is over, and closes what it wrote. Whole, it is lent on; else only if it was chosen. */
  end(content: ContentId, whole: boolean): Promise<void> {
    return this.#change(async () => {
      const lent = this.#lent.get(content);
      if (lent?.own !== false) return;
      this.#lent.delete(content);
      if (whole) this.#chosen.add(content);
      if (this.#chosen.has(content)) await this.#open(content);
      if (!this.#lent.has(content)) this.#stopped(content);
    });
  }

  /** Whoever asked is told, now and whenever more is there. */
  answer(peer: SwarmPeer, content: ContentId): void {
    peer.seeks.set(content, true);
    this.#tellAll(peer, content);
  }

  gained(content: ContentId, piece: number): void {
    const lent = this.#lent.get(content);
    if (lent === undefined) return;
    lent.gained.push(piece);
    this.#stopTell ??= this.#options.clock.after(TELL_MS, () => this.tellGained());
  }

  /** What is lent of it changed by more than new pieces. */
  changed(content: ContentId): void {
    for (const peer of this.#seekers(content)) this.#tellAll(peer, content);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopLook();
    this.#stopTell?.();
    await this.#changing;
    for (const [content, { own }] of this.#lent) if (own) await this.#drop(content);
    this.#lent.clear();
    await this.#cutting;
  }

  #change(change: () => Promise<void>): Promise<void> {
    const done = this.#changing.then(async () => {
      if (this.#closed) return;
      await change();
      this.#register();
    });
    this.#changing = done.catch(() => {
      // Whoever asked for the change hears of it; the next one is made all the same.
    });
    return done;
  }

  async #open(content: ContentId): Promise<void> {
    if (this.#lent.has(content)) return;
    const stored = await this.#options.store.open(content);
    if (stored === null) return;
    this.#add(stored, true);
    this.#cutting = this.#cutting.then(() => this.#cut(stored));
  }

  /** Whoever has an older version fetches less of this one when they know its chunks. */
  async #cut(stored: StoredContent): Promise<void> {
    if (this.#closed || this.#lent.get(stored.content)?.stored !== stored || !stored.pieces.full) return;
    try {
      await stored.cut(true);
    } catch {
      // It is lent all the same; the next start tries again.
    }
  }

  #add(stored: StoredContent, own: boolean): void {
    this.#lent.set(stored.content, { stored, own, gained: [] });
    this.changed(stored.content);
  }

  async #drop(content: ContentId): Promise<void> {
    const lent = this.#lent.get(content);
    if (lent === undefined) return;
    this.#lent.delete(content);
    this.#stopped(content);
    if (lent.own) await lent.stored.close();
  }

  #stopped(content: ContentId): void {
    this.#options.stopped(content);
    this.changed(content);
  }

  #seekers(content: ContentId): SwarmPeer[] {
    return [...this.#options.peers()].filter((peer) => peer.seeks.has(content));
  }

  #tellAll(peer: SwarmPeer, content: ContentId): void {
    const pieces = this.#allowed ? (this.#lent.get(content)?.stored.pieces ?? null) : null;
    const bits = pieces === null ? new Uint8Array(0) : pieces.full ? null : pieces.bytes();
    peer.send({ kind: 'HAVE', content, bits });
  }

  /** Tells at once what is new. */
  tellGained(): void {
    this.#stopTell?.();
    this.#stopTell = null;
    for (const [content, lent] of this.#lent) {
      const all = lent.gained.splice(0);
      if (all.length === 0 || !this.#allowed) continue;
      for (let at = 0; at < all.length; at += MAX_PIECES_NAMED) {
        const pieces = all.slice(at, at + MAX_PIECES_NAMED);
        for (const peer of this.#seekers(content)) peer.send({ kind: 'GAINED', content, pieces });
      }
    }
  }

  /** The owner changed a limit, or the day is used up, or a new one began. */
  #look(): void {
    this.#stopLook = this.#options.clock.after(LOOK_MS, () => this.#look());
    const allowed = this.#options.allowed();
    if (allowed === this.#allowed) return;
    this.#allowed = allowed;
    for (const content of this.#lent.keys()) this.changed(content);
    this.#register();
  }

  #register(): void {
    const held = [...this.#lent.values()].map(({ stored }) => ({
      content: stored.content,
      sha256: soleFile(stored),
      whole: stored.pieces.full,
    }));
    this.#options.hold(this.#allowed ? held : []);
  }
}

/** The SHA-256 of the only file, in hex; null: there are several. */
function soleFile({ manifest: { files } }: StoredContent): string | null {
  const [first, ...others] = files;
  return first !== undefined && others.length === 0 ? bytesToHex(first.sha256) : null;
}
