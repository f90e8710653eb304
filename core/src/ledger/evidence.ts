/**
 * What an event claims, with what its peers signed read and checked. This part needs no state, so a control plane may
 * do it elsewhere, many at a time, and then call `applyRead`.
 */
import { toBase32 } from '../base/base32.ts';
import type { ModelId, PeerId, TaskName } from '../base/ids.ts';
import { verify } from '../identity/identity.ts';
import { readGenesis, type Genesis } from '../networks/genesis.ts';
import { readReport, type AuditReport } from '../proof/audit-report.ts';
import { readStorageReport, type StorageReport } from '../proof/keeping/storage-report.ts';
import { leaseOf, readLeases } from '../receipts/lease.ts';
import { joinReceipt, readAcknowledgement } from '../receipts/receipt.ts';
import type { Appeal, Earn, LedgerEvent, Slash } from './event.ts';
import { readOrder, type Order } from './order.ts';
import { badReceipt, refused } from './refusal.ts';

/** A delivery under a lease. */
export interface Delivery {
  readonly issuer: PeerId;
  readonly requester: PeerId;
  readonly provider: PeerId;
  /** Base32, as the hold is. */
  readonly nonce: string;
  /** The seed of the leases. */
  readonly hold: string;
  /** Its kind, as it is offered. */
  readonly task: TaskName;
  readonly model: ModelId;
  /** Micro-credits for 1,000 units. */
  readonly price: number;
  readonly units: number;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  /** A receipt: nothing more will come under these leases. False: an acknowledgement. */
  readonly complete: boolean;
}

type Signed = 'genesis' | 'earn' | 'order' | 'storage' | 'audit-fee' | 'slash' | 'appeal';
export type PlainEvent = Exclude<LedgerEvent, { kind: Signed }>;
export type Evidence =
  | PlainEvent
  | { readonly kind: 'genesis'; readonly ms: number; readonly genesis: Genesis }
  | { readonly kind: 'earn'; readonly ms: number; readonly delivery: Delivery }
  | { readonly kind: 'order'; readonly ms: number; readonly order: Order }
  | {
      readonly kind: 'storage';
      readonly ms: number;
      readonly epoch: number;
      readonly shares: readonly { readonly share: number; readonly report: StorageReport }[];
    }
  | { readonly kind: 'audit-fee'; readonly ms: number; readonly report: AuditReport }
  | { readonly kind: 'slash'; readonly ms: number; readonly slash: Slash; readonly reports: readonly AuditReport[] }
  | {
      readonly kind: 'appeal';
      readonly ms: number;
      readonly appeal: Appeal;
      readonly order: Order;
      readonly reports: readonly AuditReport[];
    };

/** Throws receipt_refused or order_refused. `check`: as strict as `verify`; or true for all, where they were checked before. */
export function readEvidence(event: LedgerEvent, check = verify): Evidence {
  const { ms } = event;
  if (event.kind === 'earn') return { kind: 'earn', ms, delivery: readDelivery(event, check) };
  if (event.kind === 'genesis') return { kind: 'genesis', ms, genesis: genesisIn(event.record) };
  if (event.kind === 'order') return { kind: 'order', ms, order: orderIn(event.record, check) };
  if (event.kind === 'audit-fee') return { kind: 'audit-fee', ms, report: reportIn(event.report, check) };
  if (event.kind === 'storage') {
    const shares = event.shares.map(([keeper, share, report]) => ({ share, report: keptIn(report, keeper, check) }));
    return { kind: 'storage', ms, epoch: event.epoch, shares };
  }
  if (event.kind === 'appeal') {
    const reports = event.reports.map((report) => reportIn(report, check));
    return { kind: 'appeal', ms, appeal: event, order: orderIn(event.order, check), reports };
  }
  if (event.kind !== 'slash') return event;
  return { kind: 'slash', ms, slash: event, reports: event.reports.map((report) => reportIn(report, check)) };
}

function readDelivery({ lease: signed, proof }: Earn, check: typeof verify): Delivery {
  const leases = readLeases(signed, check);
  if (leases === null) throw badReceipt('This delivery comes with no lease that anyone has signed.');
  const complete = proof.kind === 'receipt';
  const receipt = complete ? joinReceipt(proof.provider, proof.requester, check) : null;
  const proven = complete ? receipt : readAcknowledgement(proof.acknowledgement, check);
  if (proven === null) throw badReceipt('Those who would have to have not signed this delivery.');
  const lease = leaseOf(leases, proven.provider);
  if (lease === null || proven.requester !== leases.requester || proven.provider === proven.requester)
    throw badReceipt('This delivery was between others than its lease is for.');
  const nonce = toBase32(lease.nonce);
  if (nonce !== toBase32(proven.leaseNonce)) throw badReceipt('This delivery was under another lease.');
  if (receipt !== null && (receipt.task !== leases.task || receipt.model !== leases.model))
    throw badReceipt('This delivery was of something else than its lease is for.');
  if (receipt !== null && (receipt.price !== leases.price || receipt.priceVersion !== leases.priceVersion))
    throw badReceipt('This delivery names another price than its lease.');
  const { issuer, requester, task, model, price, expiresAt, seed } = leases;
  const { provider } = lease;
  // Whatever more was delivered was given: nobody pays more than they were told.
  const units = Math.min(proven.units, leases.maxUnits);
  const what = { nonce, hold: toBase32(seed), task, model, price, units, expiresAt, complete };
  return { issuer, requester, provider, ...what };
}

/** Its founder signed it before there was a network to sign in. */
function genesisIn(bytes: Uint8Array): Genesis {
  const genesis = readGenesis(bytes);
  if (genesis === null) throw refused('Nobody has founded a network with this.');
  return genesis;
}

function orderIn(bytes: Uint8Array, check: typeof verify): Order {
  const order = readOrder(bytes, check);
  if (order === null) throw refused('Nobody has signed this order.');
  return order;
}

function keptIn(bytes: Uint8Array, keeper: PeerId, check: typeof verify): StorageReport {
  const report = readStorageReport(bytes, check);
  if (report === null) throw refused('Nobody has signed this report about a model that is kept.');
  if (report.keeper !== keeper) throw refused('This report is about what another volunteer keeps.');
  return report;
}

function reportIn(bytes: Uint8Array, check: typeof verify): AuditReport {
  const report = readReport(bytes, check);
  if (report === null) throw refused('Nobody has signed this report of an audit.');
  return report;
}
