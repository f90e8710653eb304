/** What a state says about one peer, and about all. */
import type { PeerId } from '../base/ids.ts';
import { PEER_ACCOUNTS, accountOf, type Account, type PeerAccount } from './account.ts';
import type { Micro } from './credit.ts';
import { accountKey } from './keys.ts';
import type { LedgerState } from './state.ts';

type Readable = Pick<LedgerState, 'get'>;

export function balanceOf(state: Readable, account: Account): Micro {
  return (state.get(accountKey(account)) as number | undefined) ?? 0;
}

export function peerBalances(state: Readable, peer: PeerId): Record<PeerAccount, Micro> {
  const entries = PEER_ACCOUNTS.map((kind) => [kind, balanceOf(state, accountOf(kind, peer))]);
  return Object.fromEntries(entries) as Record<PeerAccount, Micro>;
}

/** Every account with its balance. Slow. */
export function* allBalances(state: LedgerState): Generator<readonly [Account, Micro]> {
  const prefix = accountKey('' as Account);
  for (const key of state.keys(prefix)) {
    const account = key.slice(prefix.length) as Account;
    yield [account, balanceOf(state, account)];
  }
}
