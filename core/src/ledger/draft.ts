/** What one event would change, on top of a state that stays as it is until everything about the event has been found good. */
import { MeshError } from '../base/errors.ts';
import type { Account } from './account.ts';
import type { Micro } from './credit.ts';
import { accountKey } from './keys.ts';
import type { Posting, PostingReason } from './posting.ts';
import type { LedgerState, StateValue } from './state.ts';

export class Draft {
  /** The event's place in the log. */
  readonly index: number;
  readonly ms: number;
  readonly postings: Posting[] = [];
  #state: LedgerState;
  #changes = new Map<string, StateValue | undefined>();

  constructor(state: LedgerState, index: number, ms: number) {
    this.#state = state;
    this.index = index;
    this.ms = ms;
  }

  get(key: string): StateValue | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#state.get(key);
  }

  set(key: string, value: StateValue | undefined): void {
    this.#changes.set(key, value);
  }

  /** Those of the state, without what this draft adds. */
  keys(prefix: string): Iterable<string> {
    return this.#state.keys(prefix);
  }

  number(key: string): number {
    return (this.get(key) as number | undefined) ?? 0;
  }

  balance(account: Account): Micro {
    return this.number(accountKey(account));
  }

  /** From one account to another. Throws credits_short when there is less than that in the first; only emission may owe. */
  move(amount: Micro, from: Account, to: Account, reason: PostingReason, received = reason): void {
    if (amount === 0) return;
    this.#add(from, -amount, reason);
    this.#add(to, amount, received);
  }

  /** Everything at once. */
  commit(): void {
    for (const [key, value] of this.#changes) this.#state.set(key, value);
  }

  #add(account: Account, amount: Micro, reason: PostingReason): void {
    const after = this.balance(account) + amount;
    if (after < 0 && account !== 'emission') {
      throw new MeshError('credits_short', 'There are not enough credits for this.');
    }
    this.set(accountKey(account), after);
    const same = this.postings.findIndex((posting) => posting.account === account && posting.reason === reason);
    if (same < 0) this.postings.push({ account, amount, reason });
    else this.postings[same] = { account, amount: this.postings[same]!.amount + amount, reason };
  }
}
