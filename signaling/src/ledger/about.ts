/** What an event is about, in a few words: kept beside it, so that nobody has to read the signed bytes again to show it. */
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
      const { requester: by, provider: to, nonce: lease, task, model, units, price, complete } = evidence.delivery;
      return { by, to, lease, proof: complete ? 'receipt' : 'acknowledgement', task, model, units, price };
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
      return { by: evidence.provider, why: evidence.reason };
    case 'audit-fee':
      return { to: evidence.report.auditor };
    case 'uptime':
    case 'enact':
      return {};
    default:
      return evidence satisfies never;
  }
}
