/**
 * The price of joining, in bits of work: more for each doubling of the identities that a network has here or brought
 * lately, so that one computer does not become a crowd for free. A peer that has paid once joins again for free.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Networks } from '../sockets/address.ts';
import type { Vault } from '../cluster/vault.ts';
import { FadingTally } from '../sockets/fading-tally.ts';

/** Counted from the last time that the peer joined, wherever it did. */
export const PAID_FOR_MS = 12 * 3_600_000;
/** A household, or one computer with several tabs and programs. */
const FREE_NARROW = 8;
const FREE_WIDE = 32;
const RECENT_HALF_LIFE_MS = 300_000;
/** The price rises no further: a second on a computer, five on a phone. An operator's own price may be higher. */
export const MOST_RAISED_BITS = 17;

export class JoinPrice {
  readonly #baseBits: number;
  readonly #paid: Vault;
  /** Each instance judges how crowded a network is by the peers that came to it. */
  readonly #recent: FadingTally;
  readonly #here = new Map<string, number>();

  /** `baseBits`: 0 makes joining free for all. `paid`: who has paid, at any instance. */
  constructor(clock: Clock, baseBits: number, paid: Vault) {
    this.#baseBits = baseBits;
    this.#paid = paid;
    this.#recent = new FadingTally(clock, RECENT_HALF_LIFE_MS);
  }

  /** The price for one more peer that comes from there. */
  async bits(peer: PeerId, { narrow, wide }: Networks): Promise<number> {
    const base = this.#baseBits;
    if (base === 0 || (await this.#paid.read(peer)) !== null) return 0;
    const load = Math.max(this.#load(narrow) / FREE_NARROW, this.#load(wide) / FREE_WIDE, 1);
    return Math.max(base, Math.min(MOST_RAISED_BITS, base + Math.floor(Math.log2(load))));
  }

  /** A peer from there has said hello. Call the returned function once, when its connection is over. */
  came({ narrow, wide }: Networks): () => void {
    const change = (by: number) => {
      for (const key of new Set([narrow, wide])) {
        const here = (this.#here.get(key) ?? 0) + by;
        if (here === 0) this.#here.delete(key);
        else this.#here.set(key, here);
      }
    };
    change(1);
    return () => change(-1);
  }

  /** It has done the work, now or earlier. */
  async joined(peer: PeerId, { narrow, wide }: Networks): Promise<void> {
    if (this.#baseBits === 0) return;
    if ((await this.#paid.read(peer)) === null) for (const key of new Set([narrow, wide])) this.#recent.add(key);
    await this.#paid.put(peer, PAID, PAID_FOR_MS);
  }

  #load(network: string): number {
    return Math.max(this.#recent.of(network), this.#here.get(network) ?? 0);
  }
}

const PAID = 'paid';
