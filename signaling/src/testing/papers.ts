/** The papers of an answer as they are in the field: a lease of the control plane, and what both ends sign. */
import { toBase32 } from '@llmesh/core/base/base32';
import { newTaskId, type ModelId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Identity } from '@llmesh/core/identity/identity';
import { leaseOf, LEASE_NONCE_BYTES, readLeases, signLeases } from '@llmesh/core/receipts/lease';
import { signAcknowledgement, signReceipt } from '@llmesh/core/receipts/receipt';
import type { Filing } from '@llmesh/core/wire/control-protocol';

export interface PapersTerms {
  readonly control: Identity;
  readonly requester: Identity;
  readonly provider: Identity;
  /** Milliseconds since 1970, when it was answered. */
  readonly nowMs: number;
  /** Micro-credits for 1,000 units. */
  readonly price?: number;
  readonly units?: number;
  readonly maxUnits?: number;
}

/** One answer, under leases of its own. */
export async function papersOf(terms: PapersTerms) {
  const { control, requester, provider, nowMs, price = 100_000, units = 100, maxUnits = 1_000 } = terms;
  const hold = randomBytes(LEASE_NONCE_BYTES);
  const expiresAt = Math.floor(nowMs / 1_000) + 120;
  const model = 'm' as ModelId;
  const what = {
    requester: requester.peerId,
    task: 'chat',
    model,
    complexity: 1_000,
    price,
    priceVersion: 1,
    maxUnits,
  };
  const lease = await signLeases({ ...what, providers: [provider.peerId], expiresAt, seed: hold }, control);
  // It was signed just now.
  const { nonce } = leaseOf(
    readLeases(lease, () => true)!,
    provider.peerId,
  )!;
  const ends = { taskId: newTaskId(), requester: requester.peerId, provider: provider.peerId, leaseNonce: nonce };
  const shown = { ...ends, commitment: randomBytes(32) };
  const receipt = {
    ...{ ...shown, units, digest: randomBytes(32), task: 'chat', model, inputUnits: 20 },
    ...{ result: randomBytes(32), startedMs: nowMs - 1_000, endedMs: nowMs, half: null, price, priceVersion: 1 },
  };
  const [byProvider, byRequester] = [await signReceipt(receipt, provider), await signReceipt(receipt, requester)];
  const whole: Filing = {
    lease: toBase32(lease),
    proof: { kind: 'receipt', provider: toBase32(byProvider), requester: toBase32(byRequester) },
  };
  /** What the requester signed when it had so many units. */
  const part = async (had: number): Promise<Filing> => ({
    lease: toBase32(lease),
    proof: {
      kind: 'acknowledgement',
      acknowledgement: toBase32(
        await signAcknowledgement({ ...shown, units: had, digest: new Uint8Array(32).fill(had) }, requester),
      ),
    },
  });
  return { hold, nonce, lease, byProvider, byRequester, whole, part, expiresAt };
}
