/**
 * From what is asked for to a manifest that can be trusted. A content id says itself which manifest is its; where only the
 * SHA-256 of a file is known, those who have it say under which content id, and what most of them say is tried first.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import { untilAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { manifestOf } from '../content-id.ts';
import type { Hasher } from '../hasher.ts';
import type { Manifest } from '../manifest.ts';
import type { ContentId, PieceStore } from '../piece-store.ts';
import type { FetchRequest, Holder, HolderIndex, Wanted } from '../swarm-port.ts';
import type { SwarmPeer } from './link/swarm-peer.ts';

/** How many of those who have a content are asked for its manifest; so many at once, and all within this time. */
const [MAX_ASKED, ASKED_AT_ONCE, ASKING_MS] = [8, 3, 10_000];
/** How many of those who are linked to us are asked what they call a file. */
const MAX_NEAR = 32;
/** How many content ids are tried for one file. */
const MAX_TRIED = 8;

export interface Found {
  content: ContentId;
  manifest: Manifest;
  /** Those who said that the file has this content id, each by the key of its `SwarmPeer`; empty where it was known. */
  namers: readonly string[];
}

export interface ContentFinderOptions {
  store: PieceStore;
  holders: HolderIndex;
  hasher: Hasher;
  clock: Clock;
  /** `key`: that of a `SwarmPeer`. */
  banned: (key: string, content: ContentId) => boolean;
  ban: (key: string, content: ContentId) => void;
  /** Rejects when it cannot be reached. */
  meet: (holder: Holder, signal: AbortSignal) => Promise<SwarmPeer>;
  /** Those that we are linked to already, for when the index of holders is away. */
  linked: () => Iterable<SwarmPeer>;
}

/** One that says that it has a content. */
interface Namer {
  /** That of its `SwarmPeer`. */
  key: string;
  content: ContentId;
  /** Rejects when it cannot be reached. */
  way: (signal: AbortSignal) => Promise<SwarmPeer>;
}

export class ContentFinder {
  readonly #options: ContentFinderOptions;
  readonly #refused = new Set<ContentId>();

  constructor(options: ContentFinderOptions) {
    this.#options = options;
  }

  /** It turned out not to be the file. */
  refuse(content: ContentId): void {
    this.#refused.add(content);
  }

  /** Null: nobody has it. Rejects with cancelled, and with control_unreachable when nobody who is linked to us has it either. */
  async find(request: FetchRequest, signal: AbortSignal): Promise<Found | null> {
    const { content, manifest } = request;
    if (content === null) return this.#byFile(request, signal);
    const known = manifest ?? (await this.#stored(content)) ?? (await this.#fromWeb(content, request, signal));
    if (known !== null) return { content, manifest: known, namers: [] };
    const asked = await this.#fromPeers(content, signal);
    return asked === null ? null : { content, manifest: asked, namers: [] };
  }

  async #fromPeers(content: ContentId, signal: AbortSignal): Promise<Manifest | null> {
    const { namers, away } = await this.#namers({ content, sha256: null }, signal);
    const asked = await this.#ask(namers, signal);
    if (asked === null && away !== null) throw away;
    return asked;
  }

  async #byFile(request: FetchRequest, signal: AbortSignal): Promise<Found | null> {
    const { sha256, manifest } = request;
    if (sha256 === null) return null;
    const summary = (await this.#options.store.list()).find(
      (one) => one.sha256 === sha256 && !this.#refused.has(one.content),
    );
    const begun = summary === undefined ? null : await this.#stored(summary.content);
    const { namers, away } = await this.#namers({ content: null, sha256 }, signal);
    if (summary !== undefined && begun !== null && isFile(begun, request)) {
      const named = namers.filter(({ content }) => content === summary.content);
      return { content: summary.content, manifest: begun, namers: keysOf(named) };
    }
    if (manifest !== null) return null;
    const byContent = new Map<ContentId, Namer[]>();
    for (const namer of namers) byContent.set(namer.content, [...(byContent.get(namer.content) ?? []), namer]);
    const order = [...byContent].toSorted(([, a], [, b]) => b.length - a.length).slice(0, MAX_TRIED);
    for (const [content, named] of order) {
      if (this.#refused.has(content)) continue;
      const asked = await this.#ask(named, signal);
      if (asked !== null && isFile(asked, request)) return { content, manifest: asked, namers: keysOf(named) };
      // What its own manifest says is not what it was named for.
      if (asked !== null) for (const { key } of named) this.#options.ban(key, content);
    }
    if (away !== null) throw away;
    return null;
  }

  async #stored(content: ContentId): Promise<Manifest | null> {
    const stored = await this.#options.store.open(content);
    const manifest = stored?.manifest ?? null;
    await stored?.close();
    return manifest;
  }

  async #fromWeb(content: ContentId, { web }: FetchRequest, signal: AbortSignal): Promise<Manifest | null> {
    let bytes: Uint8Array | null = null;
    try {
      bytes = (await web?.manifest?.(signal)) ?? null;
    } catch {
      // A server that cannot say is like one that has none: peers are asked.
    }
    return bytes === null ? null : manifestOf(content, bytes, this.#options.hasher);
  }

  /**
   * Those who say that they have it. While the index is away, those who are linked to us are asked instead; `away` is why it could
   * not be asked.
   */
  async #namers(wanted: Wanted, signal: AbortSignal): Promise<{ namers: Namer[]; away: unknown }> {
    const { holders, banned, meet } = this.#options;
    let found: Holder[];
    try {
      found = await holders.holders(wanted, signal);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return { namers: await this.#near(wanted, signal), away: thrown };
    }
    // One peer has one say.
    const said = new Map(found.map((holder) => [`${holder.peerId} ${holder.content}`, holder]));
    const namers = [...said.values()]
      .filter(({ peerId, content }) => !banned(peerId, content))
      .map((holder) => ({
        key: holder.peerId,
        content: holder.content,
        way: (either: AbortSignal) => meet(holder, either),
      }));
    return { namers, away: null };
  }

  async #near({ content, sha256 }: Wanted, signal: AbortSignal): Promise<Namer[]> {
    const asked = [...this.#options.linked()].slice(0, MAX_NEAR).map(async (peer): Promise<Namer[]> => {
      const named = content ?? (sha256 !== null && (await peer.usable) ? await peer.name(sha256) : null);
      if (named === null || this.#options.banned(peer.key, named)) return [];
      return [{ key: peer.key, content: named, way: async () => peer }];
    });
    return (await untilAborted(Promise.all(asked), signal)).flat();
  }

  /** The first right answer; null: none of them has one, or says so in time. Rejects with cancelled. */
  async #ask(namers: readonly Namer[], signal: AbortSignal): Promise<Manifest | null> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const stopTimer = this.#options.clock.after(ASKING_MS, () => over.abort());
    const waiting = namers.slice(0, MAX_ASKED);
    let right: Manifest | null = null;
    const askOn = async () => {
      for (let namer = waiting.shift(); namer !== undefined && !either.aborted; namer = waiting.shift()) {
        const manifest = await this.#askOne(namer, either);
        right ??= manifest;
        if (right !== null) over.abort();
      }
    };
    try {
      await untilAborted(Promise.all(Array.from({ length: ASKED_AT_ONCE }, askOn)), either);
    } catch (thrown) {
      if (!over.signal.aborted) throw thrown;
    } finally {
      stopTimer();
      over.abort();
    }
    return right;
  }

  /** Null: it cannot be reached, or has no right one. */
  async #askOne({ content, way }: Namer, signal: AbortSignal): Promise<Manifest | null> {
    const { ban, hasher } = this.#options;
    let peer: SwarmPeer;
    try {
      peer = await way(signal);
    } catch {
      // The next may be reachable.
      return null;
    }
    const bytes = (await peer.usable) ? await peer.manifest(content) : null;
    const manifest = bytes === null ? null : manifestOf(content, bytes, hasher);
    if (bytes !== null && manifest === null) ban(peer.key, content);
    return manifest;
  }
}

/** Whether the manifest is that of this one file, as far as it says so itself. */
function isFile({ files, format }: Manifest, { sha256, sizeBytes, format: wanted = format }: FetchRequest): boolean {
  const [file, ...others] = files;
  if (file === undefined || others.length > 0 || format !== wanted) return false;
  return bytesToHex(file.sha256) === sha256 && (sizeBytes === null || file.sizeBytes === sizeBytes);
}

const keysOf = (namers: readonly Namer[]) => namers.map(({ key }) => key);
