/** What two ends sign about an answer, in the form in which it is filed. */
import type { TaskId } from '@llmesh/core/base/ids';
import type { Identity } from '@llmesh/core/identity/identity';
import type { Earn } from '@llmesh/core/ledger/event';
import { signAcknowledgement, signReceipt, type Acknowledgement, type Receipt } from '@llmesh/core/receipts/receipt';
import { DIGEST_BYTES } from '@llmesh/core/receipts/digest-chain';
import { COMMITMENT_BYTES } from '@llmesh/core/receipts/request-commitment';
import type { Lease } from '@llmesh/core/receipts/lease';

const TASK_ID = 'a'.repeat(16) as TaskId;
/** Nobody reads the words of a simulated answer. */
const NO_DIGEST = new Uint8Array(DIGEST_BYTES);
const NO_COMMITMENT = new Uint8Array(COMMITMENT_BYTES);

export async function received(
  lease: Lease,
  units: number,
  requester: Identity,
  provider: Identity,
  ms: number,
): Promise<Earn['proof']> {
  const receipt: Receipt = {
    ...delivered(lease, units),
    ...{ task: lease.task, model: lease.model, inputUnits: 0, result: NO_DIGEST, half: null },
    ...{ startedMs: ms, endedMs: ms, price: lease.price, priceVersion: lease.priceVersion },
  };
  return {
    kind: 'receipt',
    provider: await signReceipt(receipt, provider),
    requester: await signReceipt(receipt, requester),
  };
}

export async function acknowledged(lease: Lease, units: number, requester: Identity): Promise<Earn['proof']> {
  return { kind: 'acknowledgement', acknowledgement: await signAcknowledgement(delivered(lease, units), requester) };
}

function delivered({ requester, provider, nonce }: Lease, units: number): Acknowledgement {
  const ends = { requester, provider, leaseNonce: nonce };
  return { taskId: TASK_ID, ...ends, commitment: NO_COMMITMENT, units, digest: NO_DIGEST };
}
