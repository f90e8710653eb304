/**
 * The whole ledger, computed anew from the leaves of the log by whoever wants to know. Whether they are the leaves that
 * the log committed to, its reader has to check before.
 */
import { MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import { verify } from '../identity/identity.ts';
import type { Account } from './account.ts';
import type { Micro } from './credit.ts';
import { readEvent, type LedgerEvent } from './event.ts';
import type { Posting } from './posting.ts';
import { apply, begin, sizeOf } from './projection.ts';
import { balanceOf } from './readers.ts';
import { refused } from './refusal.ts';
import type { LedgerState } from './state.ts';

/** An event, and what it did. */
export interface RecountedEvent {
  readonly index: number;
  readonly event: LedgerEvent;
  readonly postings: readonly Posting[];
}

/**
 * Applies the leaves to the state, which may be one that earlier leaves led to. Returns how many events it has then.
 * Throws order_refused with the number of the first leaf that no honest control plane would have written; the state is
 * then as it was before that leaf. `check`: as strict as `verify`.
 */
export async function recount(
  leaves: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  state: LedgerState,
  { issuer, check = verify, onEvent }: RecountOptions,
): Promise<number> {
  begin(state, issuer);
  let index = sizeOf(state);
  for await (const leaf of leaves) {
    const event = readEvent(leaf);
    if (event === null) throw refused(`Leaf ${index} of the log is no event that this version of LLMesh knows.`);
    const postings = applied(state, event, index, check);
    onEvent?.({ index, event, postings });
    index += 1;
  }
  return index;
}

export interface RecountOptions {
  /** The control plane whose ledger it is. */
  readonly issuer: PeerId;
  readonly check?: typeof verify;
  readonly onEvent?: (one: RecountedEvent) => void;
}

function applied(state: LedgerState, event: LedgerEvent, index: number, check: typeof verify): readonly Posting[] {
  try {
    return apply(state, event, index, check);
  } catch (thrown) {
    if (!(thrown instanceof MeshError)) throw thrown;
    const why = `Leaf ${index} of the log should not be there (${event.kind}). ${thrown.message}`;
    throw new MeshError('order_refused', why, { cause: thrown });
  }
}

/** Those that change an account of this peer. */
export function postingsOf(peer: PeerId, postings: readonly Posting[]): Posting[] {
  return postings.filter(({ account }) => account.endsWith(`:${peer}`));
}

export interface Difference {
  readonly account: Account;
  readonly claimed: Micro;
  readonly recounted: Micro;
}

/** The accounts of which somebody claims something else than the recount found. */
export function differences(state: LedgerState, claimed: Iterable<readonly [Account, Micro]>): Difference[] {
  const found: Difference[] = [];
  for (const [account, amount] of claimed) {
    const recounted = balanceOf(state, account);
    if (recounted !== amount) found.push({ account, claimed: amount, recounted });
  }
  return found;
}
