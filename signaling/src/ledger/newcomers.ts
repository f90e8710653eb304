/**
 * Gives newcomers their allowance: once a key, and so many a day to all who come from one wide network, since keys are
 * free and addresses are not. Whoever gets here has done the work that joining costs.
 */
import { MeshError } from '@llmesh/core/base/errors';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { PeerId } from '@llmesh/core/base/ids';
import type { AllowanceTable } from '../store/allowance-table.ts';
import type { LedgerPort } from './ledger-port.ts';

/** Keys that are known to have had theirs, about 100 bytes each; others are looked up in the ledger. */
const MAX_KNOWN = 50_000;
/** Networks that are counted in one day. Of more, nobody gets anything until tomorrow. */
const MAX_NETWORKS = 100_000;
const DAY_MS = 86_400_000;

export interface NewcomersNeeds {
  ledger: LedgerPort;
  /** Where the number of today is kept; left out: nowhere. */
  kept?: Pick<AllowanceTable, 'given' | 'note'> | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The number could not be kept: for the log. */
  failed?: ((error: unknown) => void) | undefined;
}

export class Newcomers {
  readonly #needs: NewcomersNeeds;
  readonly #known = new BoundedMap<PeerId, true>(MAX_KNOWN);
  #today = { day: 0, given: new Map<string, number>() };

  constructor(needs: NewcomersNeeds) {
    this.#needs = needs;
  }

  /** It has joined, from this wide network. Never rejects: who gets nothing now may get it the next time. */
  async joined(peer: PeerId, network: string): Promise<void> {
    const { ledger } = this.#needs;
    if (ledger.mode === 'off' || this.#known.has(peer) || !this.#take(network)) return;
    this.#known.set(peer, true);
    // What is counted is written before what is given: a process that ends in between has given too few.
    const counted = this.#count(network);
    try {
      await ledger.append({ kind: 'allowance', to: peer });
    } catch (thrown) {
      const { given } = this.#today;
      given.set(network, Math.max(0, (given.get(network) ?? 0) - 1));
      await this.#count(network);
      // It had its own before, which stays true; anything else may be otherwise the next time.
      if (!(thrown instanceof MeshError) || thrown.code !== 'order_refused') this.#known.delete(peer);
    }
    await counted;
  }

  #take(network: string): boolean {
    const { ledger, now, kept } = this.#needs;
    const day = Math.floor(now() / DAY_MS);
    if (day !== this.#today.day) this.#today = { day, given: kept?.given(day) ?? new Map() };
    const { given } = this.#today;
    const before = given.get(network) ?? 0;
    if (before >= ledger.parameter('allowances-per-network')) return false;
    if (before === 0 && given.size >= MAX_NETWORKS) return false;
    given.set(network, before + 1);
    return true;
  }

  /** Keeps how many this network had today. Never rejects: the next one of it writes the sum again. */
  async #count(network: string): Promise<void> {
    const { kept, failed } = this.#needs;
    const { day, given } = this.#today;
    try {
      await kept?.note(network, day, given.get(network) ?? 0);
    } catch (thrown) {
      failed?.(thrown);
    }
  }
}
