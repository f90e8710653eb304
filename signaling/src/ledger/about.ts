/** What an event is about, in a few words: kept beside it, so that nobody has to read the signed bytes again to show it. */
import { toBase32 } from '@llmesh/core/base/base32';
import type { ModelId, PeerId, TaskName } from '@llmesh/core/base/ids';
import type { Evidence } from '@llmesh/core/ledger/evidence';

export interface About {
  /** Who pays, gives, stakes or votes. */
  readonly by?: PeerId;
  /** Who is paid, or to whom something is given. */
  readonly to?: PeerId;
  /** The nonce of the lease, in base32. */
  readonly lease?: string;
  readonly proof?: 'receipt' | 'acknowledgement';
  readonly task?: TaskName;
  readonly model?: ModelId;
  readonly units?: number;
  /** Micro-credits for 1,000 units. */
  readonly price?: number;
  readonly why?: string;
}

export function aboutEvidence(evidence: Evidence): About {
  switch (evidence.kind) {
    case 'earn': {
      const { requester: by, provider: to, nonce: lease, task, model, units, price } = evidence.delivery;
      const proof = evidence.delivery.complete ? 'receipt' : 'acknowledgement';
      return { by, to, lease, proof, task, model, units, price };
    }
    case 'order':
      return evidence.order.kind === 'transfer'
        ? { by: evidence.order.by, to: evidence.order.to }
        : { by: evidence.order.by };
    case 'reserve':
    case 'refund':
      return { by: evidence.payer };
    case 'allowance':
      return { to: evidence.to };
    case 'grant':
      return { to: evidence.to, why: evidence.reason };
    case 'release':
      return { by: evidence.peer };
    case 'slash': {
      const { provider: by, model, reason: why } = evidence.slash;
      return { by, model, why };
    }
    case 'reverse':
      return { by: evidence.provider, why: evidence.reason, ...leaseIn(evidence.leases) };
    case 'appeal': {
      const { provider: by, upheld } = evidence.appeal;
      return { by, why: upheld ? 'The conviction stands.' : 'The conviction has fallen.' };
    }
    case 'audit-fee':
      return { to: evidence.report.auditor, ...leaseIn([evidence.report.leaseNonce]) };
    case 'genesis':
      return { by: evidence.genesis.founder, why: evidence.genesis.name };
    case 'uptime':
    case 'storage':
    case 'enact':
      return {};
    default:
      return evidence satisfies never;
  }
}

/** Its receipt can be shown beside it where it is about one delivery. */
function leaseIn([lease, ...more]: readonly Uint8Array[]): Pick<About, 'lease'> {
  return lease === undefined || more.length > 0 ? {} : { lease: toBase32(lease) };
}
