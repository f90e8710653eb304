/**
 * Credits that came in and are not final: they are in the ledger, and fund nothing before enough witnesses have signed a
 * checkpoint that covers them. Otherwise whoever can make the log begin anew spends what never was.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Micro } from '@llmesh/core/ledger/credit';
import type { Posting, PostingReason } from '@llmesh/core/ledger/posting';

const FREE = 'free:';
/** These were in another account of the same peer before. */
const OWN: ReadonlySet<PostingReason> = new Set(['refunded', 'released']);

interface Coming {
  readonly index: number;
  readonly amount: Micro;
}

export class Pending {
  readonly #coming = new Map<PeerId, { sum: Micro; of: Coming[] }>();
  #final: number;

  constructor(final: number) {
    this.#final = final;
  }

  get final(): number {
    return this.#final;
  }

  of(peer: PeerId): Micro {
    return this.#coming.get(peer)?.sum ?? 0;
  }

  /** The event at this index is in the ledger. */
  add(index: number, postings: readonly Posting[]): void {
    if (index < this.#final) return;
    for (const { peer, amount } of incoming(postings)) {
      const coming = this.#coming.get(peer) ?? { sum: 0, of: [] };
      coming.sum += amount;
      coming.of.push({ index, amount });
      this.#coming.set(peer, coming);
    }
  }

  /** All events before this index are final. Returns whose credits became so. */
  finalTo(size: number): PeerId[] {
    if (size <= this.#final) return [];
    this.#final = size;
    const changed: PeerId[] = [];
    for (const [peer, coming] of this.#coming) {
      const left = coming.of.findIndex(({ index }) => index >= size);
      if (left === 0) continue;
      const gone = coming.of.splice(0, left < 0 ? coming.of.length : left);
      coming.sum -= gone.reduce((sum, { amount }) => sum + amount, 0);
      if (coming.of.length === 0) this.#coming.delete(peer);
      changed.push(peer);
    }
    return changed;
  }
}

/** Whose free credits grow by this, and by how much. */
export function incoming(postings: readonly Posting[]): { peer: PeerId; amount: Micro }[] {
  const all: { peer: PeerId; amount: Micro }[] = [];
  for (const { account, amount, reason } of postings) {
    if (amount > 0 && account.startsWith(FREE) && !OWN.has(reason))
      all.push({ peer: account.slice(FREE.length) as PeerId, amount });
  }
  return all;
}
