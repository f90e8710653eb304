/**
 * The keys of a projection's state. All that a key holds is below; `day` is a day since 1970, written with six digits so
 * that keys sort as days do.
 *
 * | key | value |
 * |---|---|
 * | `at` | [events so far, ms of the last, epoch of the first] |
 * | `issuer` | the control plane whose leases and orders count |
 * | `founded` | the network, where it has a genesis, and its emission's parts in thousandths: [id, uptime, tasks, allowances] |
 * | `a/<account>` | micro-credits |
 * | `h/<hold>` | an open hold: [payer, total, left of free, left of the allowance, untilS, paid] |
 * | `s/<day>/<hold>` | a hold that is settled, by the day of `untilS`: [payer, total, paid] |
 * | `n/<day>/<nonce>` | a delivery, by the day that its lease expired: see `delivery.ts` |
 * | `f/<day>/<nonce>` | the auditors that were paid for reports of this delivery, by the day of the first |
 * | `q/<peer>` | what answers of this peer have put aside for checks, less what auditors were paid for those |
 * | `e/<peer>` | what a peer earned: see `earned.ts` |
 * | `d/<peer>` | [[day, earned from others less what it paid and sent on], …] of the last days |
 * | `c/<peer>` | [[requester, first day, last day], …]: some that paid it |
 * | `v/<peer>` | true: enough others paid this peer once that it may vote |
 * | `m/uptime` | [epoch, emitted in it for being there] |
 * | `m/storage` | [[epoch, emitted in it for keeping models], …]: the last ones |
 * | `m/tasks`, `m/allowances` | what emission has given for these, less what came back |
 * | `x/<peer>` | the last epoch that it was paid in for what it keeps: [epoch, thousandths, [content ids]] |
 * | `w/<peer>` | index of the event with its allowance |
 * | `u/<peer>` | [[amount, free again at ms], …]: unbonding |
 * | `o/<peer>` | ms of its orders that could come again |
 * | `k/<peer>` | its alias |
 * | `z/<peer>/<file>` | slashes that nobody has undone: [amount, [nonces]], and how many appeals were decided |
 * | `g/<parameter>` | [value, ms of the change]; none: as it was at first |
 * | `p/<index>` | a proposal: see `proposals.ts`; the index with twelve digits |
 * | `po` | the indices of proposals that may still be voted on |
 * | `b/<index>/<peer>` | a ballot: [choice, weight] |
 *
 * What lies under `s/`, `n/` and `f/` is never read again after `forgottenDay`, so a store may drop those days whole.
 */
import type { PeerId } from '../base/ids.ts';
import type { Account } from './account.ts';

export const DAY_MS = 86_400_000;
/** A delivery is filed within this time after its lease ended, or never. */
export const FILED_WITHIN_DAYS = 31;

export const AT = 'at';
export const ISSUER = 'issuer';
export const FOUNDED = 'founded';
export const UPTIME = 'm/uptime';
export const STORAGE = 'm/storage';
export const TASKS = 'm/tasks';
export const ALLOWANCES = 'm/allowances';
export const OPEN_PROPOSALS = 'po';

export const accountKey = (account: Account) => `a/${account}`;
export const holdKey = (hold: string) => `h/${hold}`;
export const settledKey = (day: number, hold: string) => `s/${sixDigits(day)}/${hold}`;
export const deliveryKey = (day: number, nonce: string) => `n/${sixDigits(day)}/${nonce}`;
export const feesKey = (day: number, nonce: string) => `f/${sixDigits(day)}/${nonce}`;
export const checksKey = (peer: PeerId) => `q/${peer}`;
export const earnedKey = (peer: PeerId) => `e/${peer}`;
export const daysKey = (peer: PeerId) => `d/${peer}`;
export const counterpartiesKey = (peer: PeerId) => `c/${peer}`;
export const VOTERS = 'v/';
export const voterKey = (peer: PeerId) => `v/${peer}`;
export const keeperKey = (peer: PeerId) => `x/${peer}`;
export const allowanceKey = (peer: PeerId) => `w/${peer}`;
export const unbondingKey = (peer: PeerId) => `u/${peer}`;
export const ordersKey = (peer: PeerId) => `o/${peer}`;
export const aliasKey = (peer: PeerId) => `k/${peer}`;
export const slashKey = (peer: PeerId, file: string) => `z/${peer}/${file}`;
export const parameterKey = (name: string) => `g/${name}`;
export const PROPOSALS = 'p/';
export const proposalKey = (index: number) => `p/${String(index).padStart(12, '0')}`;
export const ballotKey = (proposal: number, peer: PeerId) => `b/${proposal}/${peer}`;

export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/** Days before this one are never looked up again by events from `ms` on. */
export function forgottenDay(ms: number): number {
  return dayOf(ms) - FILED_WITHIN_DAYS - 1;
}

/** The prefixes of all that is kept by day, for this one day: a store may drop those before `forgottenDay`. */
export function forgettable(day: number): string[] {
  return ['s', 'n', 'f'].map((kind) => `${kind}/${sixDigits(day)}/`);
}

/** Is it one of those that are kept by day? Hardly anything asks for one of them again. */
export function isForgettable(key: string): boolean {
  return key.startsWith('s/') || key.startsWith('n/') || key.startsWith('f/');
}

function sixDigits(day: number): string {
  return String(day).padStart(6, '0');
}
