import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Delivery } from '../provide/delivery.ts';
import { ACKNOWLEDGE_EVERY_UNITS, DigestChain, type ChainChunk, type ChainStart } from './digest-chain.ts';
import { softwareIdentity } from '../identity/identity.ts';
import { signRecord } from '../identity/signed-record.ts';
import { canonical } from '../wire/canonical.ts';
import { newTaskId, type ModelId } from '../base/ids.ts';
import { randomBytes } from '../base/random-bytes.ts';
import {
  countersign,
  joinReceipt,
  readAcknowledgement,
  readReceipt,
  signAcknowledgement,
  signReceipt,
  type Receipt,
} from './receipt.ts';

const ada = softwareIdentity(randomBytes(32));
const bob = softwareIdentity(randomBytes(32));
const mallory = softwareIdentity(randomBytes(32));
const model = 'tiny' as ModelId;
const refused = expect.objectContaining({ name: 'MeshError', code: 'receipt_refused' });
const outOfOrder = expect.objectContaining({ name: 'MeshError', code: 'bad_message' });

const start = (changes: Partial<ChainStart> = {}): ChainStart => ({
  taskId: newTaskId(),
  requester: ada.peerId,
  provider: bob.peerId,
  leaseNonce: randomBytes(16),
  commitment: randomBytes(32),
  ...changes,
});

const NOTHING = new Uint8Array();

const pieces = fc.array(
  fc.record({
    units: fc.integer({ min: 1, max: 40 }),
    piece: fc.uint8Array({ maxLength: 60 }),
  }),
  { minLength: 1, maxLength: 20 },
);

function numbered(answer: Omit<ChainChunk, 'index'>[]): ChainChunk[] {
  let index = 0;
  return answer.map((piece) => {
    const chunk = { ...piece, index };
    index += piece.units;
    return chunk;
  });
}

function digestOf(of: ChainStart, chunks: ChainChunk[]): string {
  const chain = new DigestChain(of);
  for (const chunk of chunks) chain.add(chunk);
  return chain.digest.join();
}

function receiptOf(of: ChainStart, chain: DigestChain): Receipt {
  const { units, digest } = chain;
  const times = { startedMs: 1_800_000_000_000, endedMs: 1_800_000_004_000 };
  const what = { task: 'chat', model, inputUnits: 12, result: new Uint8Array(32).fill(7) };
  return { ...of, units, digest, ...what, ...times, half: new Uint8Array(16).fill(8), price: 30, priceVersion: 1 };
}

describe('the digest of an answer', () => {
  it('is the same for the same chunks of the same task, and for nothing else', () => {
    fc.assert(
      fc.property(pieces, fc.nat(), fc.constantFrom('piece', 'split', 'drop'), (answer, which, how) => {
        const of = start();
        const chunks = numbered(answer);
        const digest = digestOf(of, chunks);
        expect(digestOf({ ...of }, structuredClone(chunks))).toBe(digest);
        expect(digestOf(start(), chunks)).not.toBe(digest);
        for (const change of [
          { taskId: newTaskId() },
          { requester: mallory.peerId },
          { provider: mallory.peerId },
          { leaseNonce: randomBytes(16) },
          { commitment: randomBytes(32) },
        ])
          expect(digestOf({ ...of, ...change }, chunks)).not.toBe(digest);
        const i = which % answer.length;
        const bent: Omit<ChainChunk, 'index'>[] = answer.map((piece) => ({ ...piece }));
        const one = bent[i] ?? { units: 1, piece: NOTHING };
        if (how === 'piece') one.piece = new Uint8Array([...one.piece, 1]);
        if (how === 'split') bent.splice(i, 1, { units: 1, piece: NOTHING }, { ...one });
        if (how === 'drop') bent.splice(i, 1);
        expect(digestOf(of, numbered(bent))).not.toBe(digest);
      }),
      { numRuns: 60 },
    );
  });

  it('goes on only with the next chunk, and stays when another comes', () => {
    const chain = new DigestChain(start());
    chain.add({ index: 0, units: 2, piece: new Uint8Array([1, 2]) });
    const { digest } = chain;
    for (const wrong of [
      { index: 0, units: 2, piece: new Uint8Array([1, 2]) },
      { index: 3, units: 1, piece: NOTHING },
      { index: 2, units: 0, piece: NOTHING },
    ]) {
      expect(() => chain.add(wrong)).toThrow(outOfOrder);
    }
    expect(chain.digest).toEqual(digest);
    digest.fill(0);
    expect(chain.digest).not.toEqual(digest);
    expect(chain.units).toBe(2);
  });
});

describe('an acknowledgement', () => {
  it('names the task, both ends, the lease and how far it goes, and is the requester’s', async () => {
    const acknowledgement = { ...start(), units: 64, digest: randomBytes(32) };
    const bytes = await signAcknowledgement(acknowledgement, ada);
    expect(readAcknowledgement(bytes)).toEqual({
      ...acknowledgement,
      leaseNonce: new Uint8Array(acknowledgement.leaseNonce),
      digest: new Uint8Array(acknowledgement.digest),
    });
    expect(readAcknowledgement(await signAcknowledgement(acknowledgement, bob))).toBeNull();
    fc.assert(
      fc.property(fc.nat({ max: bytes.byteLength - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        expect(readAcknowledgement(bytes.with(at, (bytes[at] ?? 0) ^ (1 << bit)))).toBeNull();
        expect(readAcknowledgement(bytes.subarray(0, at))).toBeNull();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (junk) => {
        expect(readAcknowledgement(junk)).toBeNull();
      }),
    );
  });

  it('is left in the hands of a provider that dies mid-answer, for all that was acknowledged', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat(), async (answer, cut) => {
        const of = start();
        const delivery = new Delivery(of);
        const chain = new DigestChain(of);
        let acknowledged = 0;
        for (const chunk of numbered(answer).slice(0, 1 + (cut % answer.length))) {
          delivery.add(chunk);
          if (!chain.add(chunk)) continue;
          delivery.acknowledge(await signAcknowledgement({ ...of, units: chain.units, digest: chain.digest }, ada));
          acknowledged = chain.units;
        }
        // Here the provider dies. What it held is enough for anyone to see what it is owed.
        expect(delivery.unacknowledgedUnits).toBeLessThan(ACKNOWLEDGE_EVERY_UNITS);
        expect(delivery.acknowledgedUnits).toBe(acknowledged);
        const held = delivery.acknowledgement;
        expect(held === null).toBe(acknowledged === 0);
        if (held === null) return;
        expect(readAcknowledgement(held)).toMatchObject({
          taskId: of.taskId,
          requester: ada.peerId,
          provider: bob.peerId,
          units: acknowledged,
        });
      }),
      { numRuns: 30 },
    );
  });

  it('of something else is not taken for one', async () => {
    const of = start();
    const delivery = new Delivery(of);
    const chunks = numbered([
      { units: 40, piece: new Uint8Array([1]) },
      { units: 40, piece: new Uint8Array([2]) },
      { units: 3, piece: new Uint8Array([3]) },
    ]);
    const chain = new DigestChain(of);
    const marks = chunks.map((chunk) => {
      delivery.add(chunk);
      chain.add(chunk);
      return { ...of, units: chain.units, digest: chain.digest };
    });
    const [first, second, third] = marks as [(typeof marks)[0], (typeof marks)[0], (typeof marks)[0]];
    const refuses = async (bytes: Uint8Array) => expect(() => delivery.acknowledge(bytes)).toThrow(refused);
    await refuses(new Uint8Array(200));
    await refuses(await signAcknowledgement(first, mallory));
    await refuses(await signAcknowledgement({ ...first, requester: mallory.peerId }, mallory));
    for (const change of [
      { taskId: newTaskId() },
      { provider: mallory.peerId },
      { leaseNonce: randomBytes(16) },
      { commitment: randomBytes(32) },
      { units: 1_000 },
      { digest: second.digest },
    ])
      await refuses(await signAcknowledgement({ ...first, ...change }, ada));
    expect(delivery.acknowledgement).toBeNull();
    const good = await signAcknowledgement(second, ada);
    delivery.acknowledge(good);
    // Once more, or of less: a requester cannot take back what it signed for.
    await refuses(good);
    await refuses(await signAcknowledgement(first, ada));
    expect([delivery.acknowledgedUnits, delivery.unacknowledgedUnits]).toEqual([80, 3]);
    delivery.acknowledge(await signAcknowledgement(third, ada));
    expect(delivery.unacknowledgedUnits).toBe(0);
  });
});

describe('a receipt', () => {
  const of = start();
  const chain = new DigestChain(of);
  chain.add({ index: 0, units: 5, piece: new Uint8Array([104, 105]) });
  const receipt = receiptOf(of, chain);
  const { task, result, half, price, priceVersion } = receipt;
  const what = { task, model, price, priceVersion, result, half };
  const seen = { ...of, units: 5, digest: chain.digest, ...what, maxInputUnits: 12 };

  it('counts when both signed the same', async () => {
    const theirs = await signReceipt(receipt, bob);
    const ours = await countersign(theirs, seen, ada);
    expect(joinReceipt(theirs, ours)).toEqual(receipt);
    expect(readReceipt(theirs)?.by).toBe('provider');
    expect(readReceipt(ours)?.by).toBe('requester');
  });

  it('does not count with one signature twice, with another’s, or when the halves differ', async () => {
    const theirs = await signReceipt(receipt, bob);
    const ours = await signReceipt(receipt, ada);
    expect(joinReceipt(theirs, theirs)).toBeNull();
    expect(joinReceipt(ours, theirs)).toBeNull();
    expect(joinReceipt(theirs, await signReceipt(receipt, mallory))).toBeNull();
    const otherwise = {
      units: 6,
      inputUnits: 13,
      endedMs: receipt.endedMs + 1,
      task: 'completion',
      model: 'huge' as ModelId,
      result: randomBytes(32),
      commitment: randomBytes(32),
      digest: randomBytes(32),
      half: null,
      price: 31,
      priceVersion: 2,
    };
    for (const [field, value] of Object.entries(otherwise)) {
      expect(joinReceipt(theirs, await signReceipt({ ...receipt, [field]: value }, ada))).toBeNull();
    }
    const backwards = { ...receipt, endedMs: receipt.startedMs - 1 };
    expect(readReceipt(await signReceipt(backwards, bob))).toBeNull();
    expect(readReceipt(await signReceipt({ ...receipt, requester: bob.peerId }, bob))).toBeNull();
    expect(readReceipt(await signAcknowledgement(receipt, ada))).toBeNull();
  });

  it('is not signed by a requester who saw something else', async () => {
    const theirs = await signReceipt(receipt, bob);
    const otherwise = {
      units: 4,
      taskId: newTaskId(),
      model: 'huge' as ModelId,
      digest: randomBytes(32),
      leaseNonce: randomBytes(16),
      commitment: randomBytes(32),
      task: 'completion',
      result: randomBytes(32),
      half: randomBytes(16),
      price: 29,
      priceVersion: 0,
      maxInputUnits: 11,
    };
    for (const [field, value] of Object.entries(otherwise)) {
      await expect(countersign(theirs, { ...seen, [field]: value }, ada)).rejects.toEqual(refused);
    }
    await expect(countersign(await signReceipt(receipt, mallory), seen, ada)).rejects.toEqual(refused);
    await expect(countersign(await signReceipt(receipt, ada), seen, ada)).rejects.toEqual(refused);
    await expect(countersign(new Uint8Array(9), seen, ada)).rejects.toEqual(refused);
  });

  it('is read as peers signed it before there were prices, and before there were seeds', async () => {
    const { taskId, requester, provider, leaseNonce, commitment, units, digest } = receipt;
    const { inputUnits, startedMs, endedMs } = receipt;
    const common = [taskId, requester, provider, leaseNonce, commitment, units, digest];
    const facts = [...common, task, model, inputUnits, result, startedMs, endedMs];
    const free = { ...receipt, price: 0, priceVersion: 0 };
    const old = await signRecord('receipt', canonical([2, ...facts]), bob);
    expect(readReceipt(old)).toEqual({ by: 'provider', receipt: { ...free, half: null } });
    const drawn = await signRecord('receipt', canonical([3, ...facts, half]), bob);
    expect(readReceipt(drawn)).toEqual({ by: 'provider', receipt: free });
  });

  it('is worth nothing when a bit of it changes', async () => {
    const theirs = await signReceipt(receipt, bob);
    fc.assert(
      fc.property(fc.nat({ max: theirs.byteLength - 1 }), fc.nat({ max: 7 }), (at, bit) => {
        expect(readReceipt(theirs.with(at, (theirs[at] ?? 0) ^ (1 << bit)))).toBeNull();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (junk) => {
        expect(readReceipt(junk)).toBeNull();
      }),
    );
  });
});
