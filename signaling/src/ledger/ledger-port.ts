/** What the rest of the control plane knows of the ledger. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { AccountNews, CreditMode } from '@llmesh/core/wire/credit-messages';
import type { EventBody, HoldId, LedgerEvent } from '@llmesh/core/ledger/event';
import type { Micro } from '@llmesh/core/ledger/credit';
import type { Posting } from '@llmesh/core/ledger/posting';

/** An event that is in the ledger for good, and what it did. */
export interface Appended {
  readonly index: number;
  readonly event: LedgerEvent;
  readonly postings: readonly Posting[];
}

/** Appends events, one after the other, each batch in one transaction. */
export interface LedgerPort {
  readonly mode: CreditMode;
  /**
   * Durable when it resolves. Rejects with order_refused, credits_short or receipt_refused when the accounts do not allow
   * it, with busy when nothing can be written now; then it never happened.
   */
  append(body: EventBody): Promise<Appended>;
  /** Credits that may be spent now: final ones that are not held, and the allowance. */
  spendable(peer: PeerId): Micro;
  /** Puts credits aside: false when there are too few. Rejects with busy. Durable when it resolves. */
  reserve(hold: HoldId, payer: PeerId, amount: Micro, untilS: number): Promise<boolean>;
  account(peer: PeerId): AccountNews;
  /** A parameter of `governance/parameters.ts`, as it is now. */
  parameter(name: string): number;
  /** Called after each batch, in order. Returns what stops it. */
  onAppended(listener: (batch: readonly Appended[]) => void): () => void;
  /** Called with the peers whose accounts changed, or whose credits became final. Returns what stops it. */
  onChanged(listener: (peers: ReadonlySet<PeerId>) => void): () => void;
}

/** The leaves of the log: the bytes of the events, by their index. */
export interface LeafSource {
  /** All events so far. */
  readonly size: number;
  /** From `from` up to, not including, `to`. */
  leaves(from: number, to: number): Promise<Uint8Array[]>;
}
