/**
 * Pays those who were there to serve, hour by hour: each network alike, however many volunteers it has, and each volunteer
 * for the minutes in which it was seen. Only who was found to answer others counts; see `proved`.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { asMeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { earnedIn } from '@llmesh/core/ledger/earned';
import { EPOCH_MS, epochOf } from '@llmesh/core/ledger/emission';
import { MAX_UPTIME_SHARES } from '@llmesh/core/ledger/event';
import { earnedKey } from '@llmesh/core/ledger/keys';
import { SERVED_WITHIN_MS } from '@llmesh/core/ledger/rules/given';
import type { LedgerPort } from './ledger-port.ts';
import type { LedgerStore, SeenRow } from './ledger-store.ts';

const LOOK_MS = 60_000;
const LOOKS_AN_EPOCH = EPOCH_MS / LOOK_MS;
const WHOLE = 1_000;
/** Whoever gave an answer that counts within this time is paid for the whole hour, anyone else for a quarter of it. */
const BUSY_MS = 24 * EPOCH_MS;
const IDLE_PART = 0.25;
/** Volunteers that are counted in one hour; whoever comes after so many is not. */
const MAX_SEEN = 100_000;
/** Rows that are written in one go: some milliseconds. */
const WRITTEN_AT_ONCE = 2_000;

export interface UptimeNeeds {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  ledger: Pick<LedgerPort, 'append'>;
  store: Pick<LedgerStore, 'read' | 'proved' | 'setProved' | 'seen' | 'setSeen' | 'forgetSeen'>;
  /** Who offers something right now, and from which wide network; those left out whose answers are in doubt. */
  present: () => Iterable<{ readonly peer: PeerId; readonly network: string }>;
  /** What else is paid for an hour, before being there is. Rejects with busy when nothing can be written now. */
  first?: (epoch: number) => Promise<void>;
  failed: (error: unknown) => void;
}

interface Seen {
  network: string;
  looks: number;
}
type SeenPeers = Map<PeerId, Seen>;

export class Uptime {
  readonly #needs: UptimeNeeds;
  readonly #proved: Map<PeerId, number>;
  /** Of those, what the store does not have yet. */
  #unsaved = new Map<PeerId, number>();
  /** By hours: the present one, and those that are over and not paid yet. */
  readonly #seen: Map<number, SeenPeers>;
  #stopTimer: () => void;
  #paying: Promise<void> | null = null;
  #closed = false;

  private constructor(needs: UptimeNeeds, proved: Map<PeerId, number>, seen: Map<number, SeenPeers>) {
    this.#needs = needs;
    this.#proved = proved;
    this.#seen = seen;
    this.#stopTimer = needs.clock.after(LOOK_MS, () => this.#look());
  }

  static async open(needs: UptimeNeeds): Promise<Uptime> {
    const seen = new Map<number, SeenPeers>();
    for (const { epoch, peer, network, looks } of await needs.store.seen()) {
      seenIn(seen, epoch).set(peer, { network, looks });
    }
    return new Uptime(needs, await needs.store.proved(needs.now() - SERVED_WITHIN_MS), seen);
  }

  /** This provider answered somebody of another network, and both signed for it. */
  proved(peer: PeerId): void {
    const nowMs = Math.floor(this.#needs.now());
    // By the hour is exact enough for a week, and seldom written.
    if (nowMs - (this.#proved.get(peer) ?? 0) < EPOCH_MS) return;
    this.#proved.set(peer, nowMs);
    this.#unsaved.set(peer, nowMs);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopTimer();
    await this.#paying;
  }

  #look(): void {
    const { clock, now, present, failed } = this.#needs;
    const epoch = epochOf(now());
    const seen = seenIn(this.#seen, epoch);
    const changed: SeenRow[] = [];
    for (const { peer, network } of present()) {
      const before = seen.get(peer);
      if (before === undefined && seen.size >= MAX_SEEN) continue;
      const after = { network: before?.network ?? network, looks: (before?.looks ?? 0) + 1 };
      seen.set(peer, after);
      changed.push({ epoch, peer, ...after });
    }
    this.#paying = this.#settle(epoch, changed)
      .catch((thrown: unknown) => failed(thrown))
      .finally(() => {
        if (!this.#closed) this.#stopTimer = clock.after(LOOK_MS, () => this.#look());
      });
  }

  async #settle(epoch: number, changed: readonly SeenRow[]): Promise<void> {
    const { store } = this.#needs;
    for (let at = 0; at < changed.length; at += WRITTEN_AT_ONCE) {
      await store.setSeen(changed.slice(at, at + WRITTEN_AT_ONCE));
    }
    const unsaved = this.#unsaved;
    if (unsaved.size > 0) {
      this.#unsaved = new Map();
      await store.setProved(unsaved);
    }
    const over = [...this.#seen.keys()].filter((hour) => hour < epoch).sort((a, b) => a - b);
    for (const hour of over) {
      await this.#needs.first?.(hour);
      await this.#pay(hour, this.#seen.get(hour)!);
      this.#seen.delete(hour);
      await store.forgetSeen(hour);
    }
  }

  /** Rejects with busy when nothing can be written now: who is paid then is not paid again later. */
  async #pay(epoch: number, seen: ReadonlyMap<PeerId, Seen>): Promise<void> {
    const endMs = (epoch + 1) * EPOCH_MS;
    const sinceMs = endMs - SERVED_WITHIN_MS;
    for (const [peer, ms] of this.#proved) if (ms < sinceMs) this.#proved.delete(peer);
    const proved = [...seen].filter(([peer]) => this.#proved.has(peer));
    const state = await this.#needs.store.read(proved.map(([peer]) => earnedKey(peer)));
    const earned = (peer: PeerId) => earnedIn(state.get(earnedKey(peer)));
    // What was free is in no ledger, and counts as well: `proved` knows of both.
    const idleMs = (peer: PeerId) => endMs - Math.max(this.#proved.get(peer) ?? 0, earned(peer).servedMs);
    const shares = sharesOf(new Map(proved.filter(([peer]) => earned(peer).servedMs >= sinceMs)), idleMs);
    // A network's hour is divided among all of its volunteers, those that were paid before a restart too.
    const unpaid = shares.filter(([peer]) => earned(peer).epoch < epoch);
    for (let at = 0; at < unpaid.length; at += MAX_UPTIME_SHARES) {
      const part = unpaid.slice(at, at + MAX_UPTIME_SHARES);
      try {
        await this.#needs.ledger.append({ kind: 'uptime', epoch, shares: part });
      } catch (thrown) {
        const error = asMeshError(thrown, 'busy', `An hour of ${part.length} volunteers is not paid yet.`);
        if (error.code === 'busy') throw error;
        this.#needs.failed(error);
      }
    }
  }
}

function seenIn(all: Map<number, SeenPeers>, epoch: number): SeenPeers {
  const seen = all.get(epoch) ?? new Map<PeerId, Seen>();
  all.set(epoch, seen);
  return seen;
}

/**
 * In thousandths of the hour: the time of each, divided among the volunteers of its network, and less for whoever is only
 * there. `idleMs`: how long ago, at the end of the hour, this peer gave its last answer that counts.
 */
export function sharesOf(
  seen: ReadonlyMap<PeerId, Seen>,
  idleMs: (peer: PeerId) => number,
): (readonly [PeerId, number])[] {
  const sizes = new Map<string, number>();
  for (const { network } of seen.values()) sizes.set(network, (sizes.get(network) ?? 0) + 1);
  return [...seen].flatMap(([peer, { network, looks }]) => {
    const time = Math.min(1, looks / LOOKS_AN_EPOCH) * workedPart(idleMs(peer));
    const part = Math.floor((WHOLE * time) / sizes.get(network)!);
    return part === 0 ? [] : [[peer, part] as const];
  });
}

/** The part of an hour that is paid to who gave its last answer so long ago. */
export function workedPart(idleMs: number): number {
  return idleMs <= BUSY_MS ? 1 : IDLE_PART;
}
