/**
 * Which peers have which models, by their own word: an index from content ids, and from the SHA-256 of single files, to those
 * that hold them. Plain data in memory, as a peer says it again on each connection. When it is full, whoever holds least may
 * still enter, and the one that holds most gives way: by network first, since identities are free.
 */
import type { ContentId, PeerId } from '@llmesh/core/base/ids';
import { MAX_HOLDERS, type Held, type HeldBy } from '@llmesh/core/wire/candidate';
import { Bag } from '../registry/bag.ts';
import { isPublic, type Networks } from '../sockets/address.ts';
import { Shares, type Holder } from '../sockets/shares.ts';

/** Of all peers together: each takes some 300 bytes. */
export const MAX_HOLDINGS = 100_000;
/** Places in an answer that are kept for those that have only begun: joiners, who share the load of the others. */
const BEGUN_PLACES = 4;
/** Entries that one question looks at, to find holders in several networks. */
const MAX_LOOKS = 256;
/** Entries that are looked at to count the networks of one model. */
const MAX_NETWORK_LOOKS = 4_096;

/** One connected peer. Another connection of the same peer is another one. */
export interface HoldingPeer extends Holder {
  /** As it said last; null: anonymous peers cannot call it. */
  certificate: string | null;
}

interface Holding extends Held {
  readonly peer: HoldingPeer;
}

interface Holders {
  readonly whole: Bag<Holding>;
  readonly begun: Bag<Holding>;
}

export interface HoldingsOptions {
  random: () => number;
  /** Nobody is sent there: it was convicted or quarantined. */
  isShunned: (peer: PeerId) => boolean;
  most?: number;
}

export class Holdings {
  readonly #options: HoldingsOptions;
  readonly #byContent = new Map<ContentId, Holders>();
  /** By the SHA-256 of a content's only file. */
  readonly #byFile = new Map<string, Holders>();
  readonly #ofPeer = new Map<HoldingPeer, Map<ContentId, Holding>>();
  readonly #shares = new Shares<Holding>();

  constructor(options: HoldingsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#shares.size;
  }

  /** All that this peer has from now on. What there is no room for is left out. */
  hold(peer: HoldingPeer, held: readonly Held[]): void {
    const before = this.#ofPeer.get(peer) ?? new Map<ContentId, Holding>();
    const wanted = new Map(held.map((one) => [one.content, one]));
    for (const holding of before.values()) {
      const now = wanted.get(holding.content);
      if (now?.whole === holding.whole && now.sha256 === holding.sha256) wanted.delete(holding.content);
      else this.#drop(holding);
    }
    for (const one of wanted.values()) this.#add({ ...one, peer });
  }

  /** It has left. Idempotent. */
  leave(peer: HoldingPeer): void {
    for (const holding of [...(this.#ofPeer.get(peer)?.values() ?? [])]) this.#drop(holding);
  }

  /** How many hold it, whole or begun, the shunned included. */
  copies(content: ContentId): { whole: number; begun: number } {
    const holders = this.#byContent.get(content);
    return { whole: holders?.whole.size ?? 0, begun: holders?.begun.size ?? 0 };
  }

  /** What this peer says it has all of. */
  wholeOf(peer: HoldingPeer): Set<ContentId> {
    const own = [...(this.#ofPeer.get(peer)?.values() ?? [])];
    return new Set(own.filter(({ whole }) => whole).map(({ content }) => content));
  }

  /** Whether it has any of it. */
  has(peer: HoldingPeer, content: ContentId): boolean {
    return this.#ofPeer.get(peer)?.has(content) === true;
  }

  /** In how many networks somebody has all of it, without the shunned, and those that do not count; at most `most`. */
  networks(content: ContentId, most: number, counts: (peer: PeerId) => boolean): number {
    const found = new Set<string>();
    let looks = 0;
    this.#byContent.get(content)?.whole.walk(this.#options.random, ({ peer: { peer, from } }) => {
      looks++;
      if (!this.#options.isShunned(peer) && counts(peer)) found.add(apartOf(from));
      return found.size >= most || looks >= MAX_NETWORK_LOOKS;
    });
    return found.size;
  }

  /**
   * A random choice of at most MAX_HOLDERS, without `asker`: those that have it whole first, and from as many networks as
   * possible, so that nobody fills the answer with identities of its own.
   */
  find({ content, sha256 }: { content: ContentId | null; sha256: string | null }, asker: PeerId): HeldBy[] {
    const holders = content === null ? this.#byFile.get(sha256 ?? '') : this.#byContent.get(content);
    if (holders === undefined) return [];
    const suits = (holding: Holding) =>
      holding.peer.peer !== asker &&
      !this.#options.isShunned(holding.peer.peer) &&
      (content === null || sha256 === null || holding.sha256 === sha256);
    const begun = this.#sample(holders.begun, MAX_HOLDERS, suits);
    const whole = this.#sample(holders.whole, MAX_HOLDERS - Math.min(begun.length, BEGUN_PLACES), suits);
    return [...whole, ...begun].slice(0, MAX_HOLDERS).map(({ peer, content: its, whole: isWhole }) => ({
      peerId: peer.peer,
      content: its,
      whole: isWhole,
      certificate: peer.certificate,
    }));
  }

  #sample(bag: Bag<Holding>, most: number, suits: (holding: Holding) => boolean): Holding[] {
    const first: Holding[] = [];
    const others: Holding[] = [];
    const networks = new Set<string>();
    let looks = 0;
    bag.walk(this.#options.random, (holding) => {
      looks++;
      if (suits(holding)) {
        const { wide } = holding.peer.from;
        (networks.has(wide) ? others : first).push(holding);
        networks.add(wide);
      }
      return first.length >= most || looks >= MAX_LOOKS;
    });
    return [...first, ...others].slice(0, most);
  }

  #add(holding: Holding): void {
    const { most = MAX_HOLDINGS } = this.#options;
    if (this.#shares.size >= most) {
      const yields = this.#shares.yielding(holding.peer);
      if (yields === null) return;
      this.#drop(yields);
    }
    this.#shares.add(holding, holding.peer);
    const own = this.#ofPeer.get(holding.peer) ?? new Map<ContentId, Holding>();
    this.#ofPeer.set(holding.peer, own.set(holding.content, holding));
    put(this.#byContent, holding.content, holding);
    if (holding.sha256 !== null) put(this.#byFile, holding.sha256, holding);
  }

  #drop(holding: Holding): void {
    this.#shares.remove(holding);
    const own = this.#ofPeer.get(holding.peer);
    own?.delete(holding.content);
    if (own?.size === 0) this.#ofPeer.delete(holding.peer);
    take(this.#byContent, holding.content, holding);
    if (holding.sha256 !== null) take(this.#byFile, holding.sha256, holding);
  }
}

/** What tells copies apart: the wide network on the internet; on a private one, where all are one network, the address. */
export function apartOf({ narrow, wide }: Networks): string {
  return isPublic(narrow) ? wide : narrow;
}

function put<K>(index: Map<K, Holders>, key: K, holding: Holding): void {
  let holders = index.get(key);
  if (holders === undefined) index.set(key, (holders = { whole: new Bag(), begun: new Bag() }));
  (holding.whole ? holders.whole : holders.begun).add(holding);
}

function take<K>(index: Map<K, Holders>, key: K, holding: Holding): void {
  const holders = index.get(key);
  if (holders === undefined) return;
  (holding.whole ? holders.whole : holders.begun).remove(holding);
  if (holders.whole.size === 0 && holders.begun.size === 0) index.delete(key);
}
