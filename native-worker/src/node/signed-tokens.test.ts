import { beforeEach, describe, expect, it } from 'vitest';
import { toBase32 } from '@llmesh/core/base/base32';
import { DIGEST_BYTES } from '@llmesh/core/receipts/digest-chain';
import { newTaskId } from '@llmesh/core/base/ids';
import { LEASE_NONCE_BYTES } from '@llmesh/core/receipts/lease';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { signAcknowledgement, signReceipt } from '@llmesh/core/receipts/receipt';
import { MAX_KEPT, type KeptProof } from '@llmesh/core/receipts/receipt-keeper';
import { MODEL, NOW_MS } from '@llmesh/core/testing/scripted-server';
import { newIdentity } from '@llmesh/core/testing/mesh-world';
import { SignedTokens } from './signed-tokens.ts';

const [us, them] = [newIdentity(), newIdentity()];
let signed: SignedTokens;
beforeEach(() => {
  signed = new SignedTokens(us.peerId);
});

async function proof(kind: 'receipt' | 'acknowledgement', tokens: number, leaseId = 'l', provider = us) {
  const requester = provider === us ? them : us;
  const said = {
    taskId: newTaskId(),
    requester: requester.peerId,
    provider: provider.peerId,
    units: tokens,
    commitment: randomBytes(32),
    leaseNonce: randomBytes(LEASE_NONCE_BYTES),
    digest: randomBytes(DIGEST_BYTES),
  };
  const receipt = {
    ...said,
    task: 'chat',
    model: MODEL,
    inputUnits: 3,
    result: randomBytes(32),
    startedMs: NOW_MS,
    endedMs: NOW_MS,
    half: null,
    price: 0,
    priceVersion: 1,
  };
  const [acknowledgement, ours, theirs] = await Promise.all([
    signAcknowledgement(said, requester),
    signReceipt(receipt, provider),
    signReceipt(receipt, requester),
  ]);
  const filing =
    kind === 'receipt'
      ? ({ kind, provider: toBase32(ours), requester: toBase32(theirs) } as const)
      : ({ kind, acknowledgement: toBase32(acknowledgement) } as const);
  return { leaseId, filing: { lease: 'a', proof: filing } } satisfies KeptProof;
}

describe('tokens signed for', () => {
  it('wait, and count when they were taken, both by receipts and by acknowledgements', async () => {
    const [whole, part] = [await proof('receipt', 100, 'a'), await proof('acknowledgement', 32, 'b')];
    signed.changed(null, [whole, part]);
    expect([signed.taken, signed.waiting]).toEqual([0, 132]);
    signed.changed(whole, [part]);
    expect([signed.taken, signed.waiting]).toEqual([100, 32]);
    signed.changed(part, []);
    expect([signed.taken, signed.waiting]).toEqual([132, 0]);
  });

  it('count once for a lease, however often they are proved', async () => {
    const [part, whole] = [await proof('acknowledgement', 32), await proof('receipt', 100)];
    signed.changed(part, [whole]);
    expect([signed.taken, signed.waiting]).toEqual([32, 68]);
    signed.changed(whole, []);
    signed.changed(whole, []);
    signed.changed(part, []);
    expect([signed.taken, signed.waiting]).toEqual([100, 0]);
  });

  it('are no longer waited for when they are refused, and not ours when another wrote them, or in nothing that can be read', async () => {
    signed.changed(null, [await proof('receipt', 100)]);
    signed.changed(null, []);
    const noise = { kind: 'acknowledgement', acknowledgement: 'a' } as const;
    signed.changed(await proof('receipt', 100, 'x', them), [{ leaseId: 'y', filing: { lease: 'a', proof: noise } }]);
    expect([signed.taken, signed.waiting]).toEqual([0, 0]);
  });

  it('stay counted when their leases are forgotten', async () => {
    const one = await proof('receipt', 1);
    for (let i = 0; i <= MAX_KEPT; i++) signed.changed({ ...one, leaseId: String(i) }, []);
    expect(signed.taken).toBe(MAX_KEPT + 1);
  });
});
