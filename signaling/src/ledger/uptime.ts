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
import { SERVED_WITHIN_MS } from '@llmesh/core/ledger/rules/uptime';
import type { LedgerPort } from './ledger-port.ts';
import type { LedgerStore } from './ledger-store.ts';

const LOOK_MS = 60_000;
const LOOKS_AN_EPOCH = EPOCH_MS / LOOK_MS;
const WHOLE = 1_000;
/** Volunteers that are counted in one hour; whoever comes after so many is not. */
const MAX_SEEN = 100_000;

export interface UptimeNeeds {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  ledger: Pick<LedgerPort, 'append'>;
  store: Pick<LedgerStore, 'read' | 'proved' | 'setProved'>;
  /** Who offers something right now, and from which wide network; those left out whose answers are in doubt. */
  present: () => Iterable<{ readonly peer: PeerId; readonly network: string }>;
  failed: (error: unknown) => void;
}

interface Seen {
  network: string;
  looks: number;
}

export class Uptime {
  readonly #needs: UptimeNeeds;
  readonly #proved: Map<PeerId, number>;
  /** Of those, what the store does not have yet. */
  #unsaved = new Map<PeerId, number>();
  #seen = new Map<PeerId, Seen>();
  #epoch: number;
  #stopTimer: () => void;
  #paying: Promise<void> | null = null;
  #closed = false;

  private constructor(needs: UptimeNeeds, proved: Map<PeerId, number>) {
    this.#needs = needs;
    this.#proved = proved;
    this.#epoch = epochOf(needs.now());
    this.#stopTimer = needs.clock.after(LOOK_MS, () => this.#look());
  }

  static async open(needs: UptimeNeeds): Promise<Uptime> {
    return new Uptime(needs, await needs.store.proved(needs.now() - SERVED_WITHIN_MS));
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
    const { clock, now, present } = this.#needs;
    const epoch = epochOf(now());
    const over = epoch === this.#epoch ? null : { epoch: this.#epoch, seen: this.#seen };
    if (over !== null) {
      this.#epoch = epoch;
      this.#seen = new Map();
    }
    for (const { peer, network } of present()) {
      const seen = this.#seen.get(peer);
      if (seen !== undefined) seen.looks += 1;
      else if (this.#seen.size < MAX_SEEN) this.#seen.set(peer, { network, looks: 1 });
    }
    this.#paying = this.#settle(over)
      .catch((thrown: unknown) => this.#needs.failed(thrown))
      .finally(() => {
        if (!this.#closed) this.#stopTimer = clock.after(LOOK_MS, () => this.#look());
      });
  }

  async #settle(over: { epoch: number; seen: ReadonlyMap<PeerId, Seen> } | null): Promise<void> {
    const unsaved = this.#unsaved;
    if (unsaved.size > 0) {
      this.#unsaved = new Map();
      await this.#needs.store.setProved(unsaved);
    }
    if (over !== null) await this.#pay(over.epoch, over.seen);
  }

  async #pay(epoch: number, seen: ReadonlyMap<PeerId, Seen>): Promise<void> {
    const sinceMs = (epoch + 1) * EPOCH_MS - SERVED_WITHIN_MS;
    for (const [peer, ms] of this.#proved) if (ms < sinceMs) this.#proved.delete(peer);
    const proved = [...seen].filter(([peer]) => this.#proved.has(peer));
    const earned = await this.#needs.store.read(proved.map(([peer]) => earnedKey(peer)));
    const paid = proved.filter(([peer]) => {
      const { servedMs, epoch: paidFor } = earnedIn(earned.get(earnedKey(peer)));
      return servedMs >= sinceMs && paidFor < epoch;
    });
    const shares = sharesOf(new Map(paid));
    for (let at = 0; at < shares.length; at += MAX_UPTIME_SHARES) {
      const part = shares.slice(at, at + MAX_UPTIME_SHARES);
      try {
        await this.#needs.ledger.append({ kind: 'uptime', epoch, shares: part });
      } catch (thrown) {
        this.#needs.failed(asMeshError(thrown, 'busy', `An hour of ${part.length} volunteers is not paid.`));
      }
    }
  }
}

/** In thousandths of the hour: the time of each, divided among the volunteers of its network. */
export function sharesOf(seen: ReadonlyMap<PeerId, Seen>): (readonly [PeerId, number])[] {
  const sizes = new Map<string, number>();
  for (const { network } of seen.values()) sizes.set(network, (sizes.get(network) ?? 0) + 1);
  return [...seen].flatMap(([peer, { network, looks }]) => {
    const part = Math.floor((WHOLE * Math.min(1, looks / LOOKS_AN_EPOCH)) / sizes.get(network)!);
    return part === 0 ? [] : [[peer, part] as const];
  });
}
