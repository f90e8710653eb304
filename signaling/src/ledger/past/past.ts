/**
 * What happened long ago, in files beside the log: its tiles have the events, and these what the events did, which is otherwise
 * known only by whoever recounts all of them. Made again from the tiles where they are lost.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { tilePath, type Tile } from '@llmesh/log/tree/tile';
import { BUNDLE_EVENTS, PastBundle, packBundle, type PastRow } from './past-bundle.ts';

/** Where the files lie: `TileFolder` is one, as their names are those of the bundles of the log. */
export interface PastStore {
  /** Null: nothing lies there. */
  read(path: string): Promise<Uint8Array | null>;
  /** Durable when it resolves, and each whole at any time. */
  write(files: { readonly tiles: readonly { readonly tile: Tile; readonly bytes: Uint8Array }[] }): Promise<void>;
}

/** Unpacked ones that are kept, about 200 KB each. */
const KEPT_BUNDLES = 32;
/** Files that are read for one page of a history: those of a quiet peer lie in many. */
const BUNDLES_A_PAGE = 16;
/** Pages that wait for their turn: one reads at a time. */
const MAX_WAITING = 64;

export interface PastPage {
  /** The newest first. */
  readonly rows: readonly PastRow[];
  /** There may be more, before this index; null: there are none. */
  readonly next: number | null;
}

export class Past {
  readonly #store: PastStore;
  readonly #kept = new BoundedMap<number, PastBundle>(KEPT_BUNDLES);
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(store: PastStore) {
    this.#store = store;
  }

  /** In their order, up to the end of a bundle. The same rows make the same files. Rejects with the system's error. */
  async keep(rows: readonly PastRow[]): Promise<void> {
    const bundles = new Map<number, PastRow[]>();
    for (const row of rows) {
      const some = bundles.get(numberOf(row.index));
      if (some === undefined) bundles.set(numberOf(row.index), [row]);
      else some.push(row);
    }
    const tiles = await Promise.all(
      [...bundles].map(async ([number, some]) => ({ tile: tileOf(number), bytes: await packBundle(some) })),
    );
    await this.#store.write({ tiles });
  }

  /** Null: it was never kept here. Rejects as `history` does. */
  row(index: number): Promise<PastRow | null> {
    return this.#inTurn(async () => (await this.#bundle(numberOf(index)))?.row(index) ?? null);
  }

  /**
   * What touched this peer before an index; `last`: the last event here that did. Rejects with busy when too many ask, with
   * storage_full when a file is missing or damaged.
   */
  history(peer: PeerId, last: number, before: number, most: number): Promise<PastPage> {
    return this.#inTurn(() => new Reading(peer, (number) => this.#bundle(number)).page(last, before, most));
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) {
      throw new MeshError('busy', 'Too many are reading what happened long ago. Try again in a moment.');
    }
    this.#waiting += 1;
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => {
      // It goes to whoever asked; the next one reads all the same.
    });
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }

  async #bundle(number: number): Promise<PastBundle | null> {
    const kept = this.#kept.get(number);
    if (kept !== undefined) return kept;
    const bytes = await this.#store.read(tilePath(tileOf(number)));
    if (bytes === null) return null;
    const bundle = await PastBundle.unpack(bytes);
    if (bundle === null) throw lost(number, 'is damaged');
    this.#kept.set(number, bundle);
    return bundle;
  }
}

/** One page, from one event of a peer to the one before it. */
class Reading {
  readonly #peer: PeerId;
  readonly #bundle: (number: number) => Promise<PastBundle | null>;
  readonly #read = new Set<number>();

  constructor(peer: PeerId, bundle: (number: number) => Promise<PastBundle | null>) {
    this.#peer = peer;
    this.#bundle = bundle;
  }

  async page(last: number, before: number, most: number): Promise<PastPage> {
    const rows: PastRow[] = [];
    const from = last < before ? { at: last } : await this.#earlierThan(before);
    if ('next' in from) return { rows, next: from.next };
    let { at } = from;
    while (at !== null && rows.length < most && this.#mayOpen(at)) {
      const row: PastRow | null = (await this.#needed(at)).row(at);
      const own = row === null ? undefined : this.#own(row);
      if (row === null || own === undefined || (own !== null && own >= at)) throw lost(numberOf(at), 'is damaged');
      rows.push(row);
      at = own;
    }
    return { rows, next: at === null ? null : (rows.at(-1)?.index ?? at + 1) };
  }

  /** Where a page begins: mostly after the last event of the one before, which is this peer's. `next`: look on from there. */
  async #earlierThan(before: number): Promise<{ readonly at: number | null } | { readonly next: number }> {
    const row = (await this.#open(before))?.row(before) ?? null;
    const own = row === null ? undefined : this.#own(row);
    if (own !== undefined) return { at: own };
    for (let below = before; below > 0; below = numberOf(below - 1) * BUNDLE_EVENTS) {
      if (!this.#mayOpen(below - 1)) return { next: below };
      const bundle = await this.#open(below - 1);
      // A mesh that is older than these files has none of its first events.
      if (bundle === null) return { at: null };
      const found = bundle.lastOf(this.#peer, below);
      if (found !== null) return { at: found.index };
    }
    return { at: null };
  }

  /** The event before it that touched the peer; undefined: this one does not. */
  #own({ before }: PastRow): number | null | undefined {
    return before.find(([peer]) => peer === this.#peer)?.[1];
  }

  #mayOpen(index: number): boolean {
    return this.#read.has(numberOf(index)) || this.#read.size < BUNDLES_A_PAGE;
  }

  #open(index: number): Promise<PastBundle | null> {
    this.#read.add(numberOf(index));
    return this.#bundle(numberOf(index));
  }

  async #needed(index: number): Promise<PastBundle> {
    const bundle = await this.#open(index);
    if (bundle === null) throw lost(numberOf(index), 'is missing');
    return bundle;
  }
}

function numberOf(index: number): number {
  return Math.floor(index / BUNDLE_EVENTS);
}

function tileOf(index: number): Tile {
  return { level: 'entries', index, width: BUNDLE_EVENTS };
}

function lost(number: number, how: string): MeshError {
  const what = `what happened long ago (past/${tilePath(tileOf(number))}) ${how}`;
  return new MeshError(
    'storage_full',
    `The file of ${what}. Bring it back from a backup: see "Backup" in docs/run-a-mesh.md.`,
  );
}
