/**
 * Who has the credits. Those of a peer lie in several accounts; those of the mesh itself in four. All of them together are
 * zero at any time: what peers have, `emission` has given out.
 */
import type { PeerId } from '../base/ids.ts';

/** `emission` falls below zero by what it has issued; `auditors` pays those who check; `burn` never pays. */
export const SYSTEM_ACCOUNTS = ['emission', 'treasury', 'auditors', 'burn'] as const;
/**
 * `free`: may be spent. `held`: for answers under way. `allowance`: a newcomer's, which buys places in line and goes
 * back to `emission` when it is spent. `stake`: at risk. `unbonding`: no longer staked, and not free yet.
 */
export const PEER_ACCOUNTS = ['free', 'held', 'allowance', 'stake', 'unbonding'] as const;

export type SystemAccount = (typeof SYSTEM_ACCOUNTS)[number];
export type PeerAccount = (typeof PEER_ACCOUNTS)[number];
/** As in `free:` and the peer's id. */
export type Account = SystemAccount | `${PeerAccount}:${PeerId}`;

export function accountOf(kind: PeerAccount, peer: PeerId): Account {
  return `${kind}:${peer}`;
}
