/** A receipt that two conspirators sign for an answer that never was. */
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import { newTaskId } from '@llmesh/core/base/ids';
import { leaseOf, readLeases } from '@llmesh/core/receipts/lease';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { countersign, signReceipt } from '@llmesh/core/receipts/receipt';
import type { Stranger } from './stranger.ts';

/** `claims`: what the receipt says about the answer. Throws when they get no lease. */
export async function forgedFiling(
  provider: Stranger,
  requester: Stranger,
  claims: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const matched = await requester.match({ model: 'evil-model', only: [provider.peerId] });
  const leaseText = matched?.['lease'];
  if (typeof leaseText !== 'string') throw new Error(`no lease: ${JSON.stringify(matched)}`);
  const leases = readLeases(fromBase32(leaseText) ?? new Uint8Array(), () => true);
  const lease = leases === null ? null : leaseOf(leases, provider.peerId);
  if (lease === null) throw new Error('no lease for that provider');
  const nowMs = Date.now();
  const body = {
    taskId: newTaskId(),
    requester: requester.peerId,
    provider: provider.peerId,
    leaseNonce: lease.nonce,
    commitment: randomBytes(32),
    units: 200,
    digest: randomBytes(32),
    task: lease.task,
    model: lease.model,
    inputUnits: 10,
    result: randomBytes(32),
    startedMs: nowMs - 2_000,
    endedMs: nowMs,
    half: null,
    price: lease.price,
    priceVersion: lease.priceVersion,
    ...claims,
  };
  const half = await signReceipt(body, provider.identity);
  const other = await countersign(half, { ...body, maxInputUnits: 1e15 }, requester.identity);
  return {
    type: 'file',
    lease: leaseText,
    proof: { kind: 'receipt', provider: toBase32(half), requester: toBase32(other) },
  };
}
