/**
 * Sees to it that there are enough copies of each model: looks once a minute who should keep what, and tells them. Only models of the
 * catalogue, and those that several networks looked for and somebody has, are kept: nobody's arbitrary file.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import type { ContentId, PeerId } from '@llmesh/core/base/ids';
import { MOST_COPIES, planReplication, targetOf, type KeeperRoom } from '@llmesh/core/policy/replication';
import type { FromServer } from '@llmesh/core/wire/control-protocol';
import type { Holdings } from '../models/holdings.ts';
import type { ContentDemand } from './content-demand.ts';
import type { Keeper, Keepers } from './keepers.ts';

export const LOOK_MS = 60_000;
/** Models that are replicated, those of the catalogue first. */
const MAX_REPLICATED = 256;
/** A model of no catalogue is kept when so many networks looked for it within a day. */
export const INDEPENDENT = 3;
/** Keepers that are asked for something new in one minute. */
const ASKED_AT_ONCE = 32;
/** Nobody is told to let go what they were asked to keep a moment ago. */
const SETTLED_MS = 6 * 3_600_000;
const MAX_SIZES = 4_096;

export type KeepMessage = Extract<FromServer, { type: 'keep' }>;

export interface Pinned {
  readonly content: ContentId;
  readonly sizeBytes: number;
}

export interface ReplicationNeeds {
  clock: Clock;
  holdings: Holdings;
  keepers: Keepers;
  demand: ContentDemand;
  /** Those of the catalogue. */
  pinned: readonly Pinned[];
  /** The votable floor for those. */
  pinnedCopies: () => number;
  tell: (peer: PeerId, message: KeepMessage) => void;
}

export class Replication {
  readonly #needs: ReplicationNeeds;
  /** Since the last look, by model. */
  #targets = new Map<ContentId, number>();
  readonly #sizes = new BoundedMap<ContentId, number>(MAX_SIZES);
  #stopTimer: () => void;

  constructor(needs: ReplicationNeeds) {
    this.#needs = needs;
    this.#stopTimer = needs.clock.after(LOOK_MS, () => this.#look());
  }

  /** The target of copies, by model. */
  get targets(): ReadonlyMap<ContentId, number> {
    return this.#targets;
  }

  /** As whoever checked a copy read it from its manifest. */
  learn(content: ContentId, sizeBytes: number): void {
    this.#sizes.set(content, sizeBytes);
  }

  /** Says to a keeper what it keeps. */
  tell({ peer, keeps }: Keeper): void {
    const contents = [...keeps.keys()].map((content) => ({ content, sizeBytes: this.#sizeOf(content) }));
    this.#needs.tell(peer, { type: 'keep', contents });
  }

  /** Idempotent. */
  close(): void {
    this.#stopTimer();
  }

  #look(): void {
    const { clock, keepers } = this.#needs;
    this.#stopTimer = clock.after(LOOK_MS, () => this.#look());
    const changed = new Set<Keeper>(keepers.tidy());
    const contents = this.#contents();
    this.#targets = new Map(contents.map(({ content, wanted }) => [content, wanted]));
    const nowMs = clock.now();
    const { ask, release } = planReplication(contents, this.#rooms(), ASKED_AT_ONCE);
    for (const { peer, content } of release) {
      const keeper = keepers.get(peer);
      const since = keeper?.keeps.get(content)?.sinceMs ?? nowMs;
      if (keeper === null || nowMs - since < SETTLED_MS) continue;
      keeper.keeps.delete(content);
      changed.add(keeper);
    }
    for (const { peer, content } of ask) {
      const keeper = keepers.get(peer);
      if (keeper === null) continue;
      keeper.keeps.set(content, { sinceMs: nowMs, whole: false, lackedMs: null, missed: 0 });
      changed.add(keeper);
    }
    for (const keeper of changed) if (keepers.get(keeper.peer) === keeper && keeper.holder !== null) this.tell(keeper);
  }

  #contents() {
    const { demand, pinned, holdings, keepers, pinnedCopies } = this.#needs;
    const asked = new Map<ContentId, PeerId[]>();
    for (const { peer, keeps } of keepers.all) {
      for (const content of keeps.keys()) asked.set(content, [...(asked.get(content) ?? []), peer]);
    }
    const pins = new Set(pinned.map(({ content }) => content));
    // What somebody was asked to keep is looked at until it is let go.
    const all = new Set([...pins, ...demand.wanted(INDEPENDENT), ...asked.keys()]);
    const floor = pinnedCopies();
    return [...all].slice(0, MAX_REPLICATED + asked.size).flatMap((content) => {
      const copies = holdings.networks(content, 2 * MOST_COPIES, (peer) => keepers.countsFor(peer, content));
      const isPinned = pins.has(content);
      const askedBy = demand.networks(content);
      const isWanted = isPinned || askedBy >= INDEPENDENT;
      const target = this.#targets.get(content) ?? 0;
      // What nobody has cannot be copied.
      const isThere = copies > 0 || asked.has(content);
      const wanted = isThere && isWanted ? targetOf({ pinned: isPinned, askedBy, target }, floor) : 0;
      if (wanted === 0 && !asked.has(content)) return [];
      const sizeBytes = this.#sizeOf(content);
      return [
        { content, sizeBytes, pinned: isPinned, askedBy, target, wanted, copies, keepers: asked.get(content) ?? [] },
      ];
    });
  }

  #rooms(): KeeperRoom[] {
    const { keepers, holdings } = this.#needs;
    return [...keepers.all].map(({ peer, holder, network, roomBytes, keeps, refused, place }) => ({
      ...{ peer, network, place },
      // Nobody who is away is asked for more.
      roomBytes: holder === null ? 0 : roomBytes,
      keeps: [...keeps.keys()].map((content) => ({ content, sizeBytes: this.#sizeOf(content) })),
      refused: new Set(refused.keys()),
      has: holder === null ? new Set<ContentId>() : holdings.wholeOf(holder),
    }));
  }

  #sizeOf(content: ContentId): number | null {
    return this.#needs.pinned.find((one) => one.content === content)?.sizeBytes ?? this.#sizes.get(content) ?? null;
  }
}
