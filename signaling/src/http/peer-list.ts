/** `/api/peers`, page by page: providers come first, and each half is in the order of its ids. */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import type { Registry } from '../registry/registry.ts';
import { SharedPage } from './shared-page.ts';
import type { RegisteredPeer } from '../registry/registered-peer.ts';

/** The most peers on one page, unless their data is so large that fewer fit. */
export const MAX_LISTED_PEERS = 1_000;
export const MAX_PEERS_PAGE_BYTES = 524_288;
/** Pages other than the first that are kept for identical requests. */
const MAX_PAGES = 32;
/** The shared limit for building pages with new cursors and limits. */
const OTHER_PAGES = { perSecond: 20, burst: 100 };
/** Sorting all of them takes time. */
const LIST_MS = 1_000;

/** The list continues after this peer; `a`: it is a provider. As texts, cursors sort like the list. */
type Cursor = `${'a' | 'b'}${PeerId}`;

interface Listed {
  cursor: Cursor;
  peer: RegisteredPeer;
}

export class PeerList {
  readonly #clock: Clock;
  readonly #registry: Registry;
  readonly #first: SharedPage;
  readonly #others: TokenBucket;
  readonly #pages = new BoundedMap<string, SharedPage>(MAX_PAGES);
  #listed: { peers: readonly Listed[]; atMs: number } = { peers: [], atMs: -Infinity };

  constructor(clock: Clock, registry: Registry) {
    this.#clock = clock;
    this.#registry = registry;
    this.#first = new SharedPage(clock, () => this.#build('', MAX_LISTED_PEERS));
    this.#others = new TokenBucket(clock, OTHER_PAGES);
  }

  /** `after`: the `next` of the page before; empty: the first. Throws bad_message when invalid, busy to retry later. */
  page(after: string, limit: number): SharedPage {
    if (after !== '' && !isCursor(after))
      throw new MeshError('bad_message', 'Give "after" the value of "next" from a page.');
    const most = Math.min(limit, MAX_LISTED_PEERS);
    const key = `${most} ${after}`;
    if (after === '' && most === MAX_LISTED_PEERS) return this.#first;
    const known = this.#pages.get(key);
    if (known === undefined && !this.#others.take(1)) {
      throw new MeshError('busy', 'Too many are reading the list of peers. Try again in a moment.');
    }
    const page = known ?? new SharedPage(this.#clock, () => this.#build(after, most));
    this.#pages.set(key, page);
    return page;
  }

  #build(after: string, most: number): string {
    const listed = this.#peers(after === '');
    const texts: string[] = [];
    let bytes = 0;
    let last = after;
    let more = false;
    for (const { cursor, peer } of listed) {
      // Peers that have left since are still in the list.
      if (cursor <= after || this.#registry.find(peer.peerId) !== peer) continue;
      const text = JSON.stringify(this.#registry.summary(peer));
      bytes += Buffer.byteLength(text) + 1;
      more = texts.length === most || (bytes > MAX_PEERS_PAGE_BYTES && texts.length > 0);
      if (more) break;
      texts.push(text);
      last = cursor;
    }
    return `{"peers":[${texts.join(',')}]${more ? `,"next":${JSON.stringify(last)}` : ''}}`;
  }

  /** The first page is up to date; the following ones use the latest list. */
  #peers(fresh: boolean): readonly Listed[] {
    const nowMs = this.#clock.now();
    if (fresh || nowMs - this.#listed.atMs >= LIST_MS) {
      const peers = this.#registry.listed().map((peer) => ({ cursor: cursorOf(peer), peer }));
      this.#listed = { peers: peers.sort((a, b) => (a.cursor < b.cursor ? -1 : 1)), atMs: nowMs };
    }
    return this.#listed.peers;
  }
}

function cursorOf({ peerId, models }: RegisteredPeer): Cursor {
  return `${models.length > 0 ? 'a' : 'b'}${peerId}`;
}

function isCursor(text: string): text is Cursor {
  return /^[ab]/.test(text) && isPeerId(text.slice(1));
}
