import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '@noble/hashes/sha2.js';
import { newTaskId, type ModelId } from '../base/ids.ts';
import { randomBytes } from '../base/random-bytes.ts';
import { softwareIdentity } from '../identity/identity.ts';
import { RECORD_OVERHEAD_BYTES, signRecord } from '../identity/signed-record.ts';
import { DigestChain } from '../receipts/digest-chain.ts';
import { leaseOf, readLeases, signLeases } from '../receipts/lease.ts';
import { signReceipt, type Receipt } from '../receipts/receipt.ts';
import { requestCommitment } from '../receipts/request-commitment.ts';
import { packBody } from '../wire/body.ts';
import { readReport, signReport, type AuditReport } from './audit-report.ts';
import { packBundle, readBundle } from './bundle.ts';
import type { Calibration } from './calibration.ts';
import { checkEvidence, packEvidence, readEvidence, type Evidence } from './evidence.ts';
import { recount } from './recount.ts';
import { signDraw } from './draw.ts';
import { drawsOf, seededDraws } from './seeds.ts';

const control = softwareIdentity(randomBytes(32));
const ada = softwareIdentity(randomBytes(32));
const bob = softwareIdentity(randomBytes(32));
const carol = softwareIdentity(randomBytes(32));
const model = 'tiny' as ModelId;
const file = 'ab'.repeat(32);
const refused = expect.objectContaining({ name: 'MeshError', code: 'receipt_refused' });
const unsupported = expect.objectContaining({ name: 'MeshError', code: 'unsupported' });

interface Told {
  sampling?: { seed?: number };
  pieces?: { text: string; tokenIds?: number[] }[];
  units?: number[];
  half?: Uint8Array | null;
  requester?: typeof ada;
}

/** What Ada keeps of an answer that Bob gave her. */
async function answered(told: Told = {}): Promise<Evidence> {
  const { sampling = {}, half = new Uint8Array(16).fill(3), requester = ada } = told;
  const pieces = told.pieces ?? [
    { text: 'To be', tokenIds: [5, 6] },
    { text: ' or not', tokenIds: [7, 8, 9] },
  ];
  const terms = { task: 'chat', model, complexity: 1_000, price: 7, priceVersion: 1, maxUnits: 512 };
  const providers = [carol.peerId, bob.peerId];
  const shortlist = { requester: requester.peerId, providers, expiresAt: 1_800_000_000, seed: randomBytes(16) };
  const lease = await signLeases({ ...terms, ...shortlist }, control);
  const input = packBody({ turns: [{ role: 'user', content: 'Say it.' }], sampling, prefix: null });
  const request = { task: 'chat', model, file, input, maxUnits: 64, salt: randomBytes(16) };
  const start = {
    taskId: newTaskId(),
    requester: requester.peerId,
    provider: bob.peerId,
    leaseNonce: leaseOf(readLeases(lease)!, bob.peerId)!.nonce,
    commitment: requestCommitment(request),
  };
  const chain = new DigestChain(start);
  const chunks = pieces.map((piece, i) => {
    const units = told.units?.[i] ?? piece.tokenIds?.length ?? 1;
    const chunk = { index: chain.units, units, piece: packBody(piece) };
    chain.add(chunk);
    return chunk;
  });
  const receipt: Receipt = {
    ...start,
    units: chain.units,
    digest: chain.digest,
    task: 'chat',
    model,
    inputUnits: 9,
    result: sha256(packBody({ finish: 'stop' })),
    startedMs: 1_800_000_000_000,
    endedMs: 1_800_000_001_000,
    half,
    price: 7,
    priceVersion: 1,
  };
  const [providerHalf, requesterHalf] = [await signReceipt(receipt, bob), await signReceipt(receipt, requester)];
  return { request, engine: 'llama.cpp/cpu', lease, providerHalf, requesterHalf, chunks };
}

describe('the evidence of an answer', () => {
  it('says what was asked and written, and where its draws come from', async () => {
    const evidence = await answered();
    const packed = packEvidence(evidence)!;
    const checked = checkEvidence(readEvidence(packed), control.peerId);
    expect(checked).toMatchObject({ tokenIds: [5, 6, 7, 8, 9], text: 'To be or not', padding: 0, file });
    expect(checked.digest).toEqual(sha256(evidence.providerHalf));
    const { commitment, leaseNonce, half } = checked.receipt;
    expect(checked.draws).toEqual(drawsOf({ commitment, leaseNonce, half: half! }));
    expect(checkEvidence(evidence, null).lease.issuer).toBe(control.peerId);
    expect(checkEvidence(await answered({ sampling: { seed: 42 } }), null).draws).toEqual(seededDraws(42));
    expect(checkEvidence(await answered({ half: null }), null).draws).toBeNull();
  });

  it('frames nobody: whatever a requester changes in it, the provider has not signed', async () => {
    const evidence = await answered();
    const other = await answered();
    const { request, chunks } = evidence;
    const [first, second] = chunks as [Evidence['chunks'][number], Evidence['chunks'][number]];
    const changed: Partial<Evidence>[] = [
      { request: { ...request, input: packBody({ turns: [{ role: 'user', content: 'Else.' }], sampling: {} }) } },
      { request: { ...request, model: 'huge' as ModelId } },
      { request: { ...request, file: 'cd'.repeat(32) } },
      { request: { ...request, task: 'completion' } },
      { request: { ...request, maxUnits: 65 } },
      { request: other.request },
      { chunks: [first] },
      { chunks: [second, first] },
      { chunks: [first, second, { index: 5, units: 1, piece: packBody({ text: '!', tokenIds: [1] }) }] },
      { chunks: [first, { ...second, piece: packBody({ text: ' or not', tokenIds: [7, 8, 10] }) }] },
      { chunks: [first, { ...second, units: 2 }] },
      { chunks: other.chunks, request: other.request },
      { lease: other.lease },
      { providerHalf: other.providerHalf },
      { requesterHalf: other.requesterHalf },
      { providerHalf: evidence.requesterHalf },
      { requesterHalf: evidence.providerHalf },
    ];
    for (const change of changed) expect(() => checkEvidence({ ...evidence, ...change }, null)).toThrow(refused);
    expect(() => checkEvidence(evidence, carol.peerId)).toThrow(refused);
    expect(() => checkEvidence(null, null)).toThrow(refused);
    for (const part of ['lease', 'providerHalf', 'requesterHalf'] as const) {
      for (let at = 0; at < evidence[part].byteLength; at += 41) {
        const flipped = evidence[part].with(at, evidence[part][at]! ^ 1);
        expect(() => checkEvidence({ ...evidence, [part]: flipped }, control.peerId)).toThrow(refused);
      }
    }
  });

  it('is not checked where nothing can be: no tokens were told', async () => {
    for (const pieces of [[{ text: 'To be' }], [{ text: '', tokenIds: [] }]]) {
      const evidence = await answered({ pieces, units: [1] });
      expect(() => checkEvidence(evidence, null)).toThrow(unsupported);
    }
  });

  it('shows units that were charged for and hold no token', async () => {
    const evidence = await answered({ pieces: [{ text: 'Hm', tokenIds: [4] }], units: [5] });
    expect(checkEvidence(evidence, null)).toMatchObject({ tokenIds: [4], padding: 4 });
  });

  it('has an end: the first tokens of a long answer, in whole pieces', async () => {
    const piece = { text: 'x'.repeat(1_000), tokenIds: new Array<number>(1_000).fill(1) };
    const evidence = await answered({ pieces: [piece, piece, piece, piece, piece] });
    expect(checkEvidence(evidence, null).tokenIds).toHaveLength(4_000);
    const giant = { ...evidence, request: { ...evidence.request, input: new Uint8Array(1_044_000) } };
    expect(packEvidence(giant)).toBeNull();
    expect(readEvidence(packBody(giant))).toBeNull();
  });

  it('never makes its reader throw anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (junk) => {
        expect(readEvidence(junk)).toBeNull();
        expect(readReport(junk)).toBeNull();
        expect(readBundle(junk)).toBeNull();
      }),
    );
  });
});

const findings = (changes: Partial<AuditReport> = {}): Omit<AuditReport, 'auditor'> => ({
  leaseNonce: new Uint8Array(16).fill(1),
  provider: bob.peerId,
  model,
  file,
  receipt: new Uint8Array(32).fill(2),
  providerEngine: 'llama.cpp/cpu',
  auditorEngine: 'llama.cpp/cpu',
  outcome: 'scored',
  reason: '',
  mode: 'seed',
  deviations: new Uint8Array(5),
  ...changes,
});

describe('an audit report', () => {
  it('is read as it was signed', async () => {
    const scored = findings({ deviations: new Uint8Array(4_096).fill(7) });
    expect(readReport(await signReport(scored, carol))).toEqual({ ...scored, auditor: carol.peerId });
    const reason = `${'x'.repeat(255)}😀`;
    const abstained = findings({ outcome: 'abstained', reason, mode: null, deviations: new Uint8Array() });
    expect(readReport(await signReport(abstained, carol))).toMatchObject({ outcome: 'abstained', mode: null });
  });

  it('is refused when a bit of it is changed, and where it contradicts itself', async () => {
    const bytes = await signReport(findings(), carol);
    for (let at = 0; at < bytes.byteLength; at += 7) expect(readReport(bytes.with(at, bytes[at]! ^ 4))).toBeNull();
    for (const wrong of [
      { deviations: new Uint8Array() },
      { deviations: new Uint8Array(4_097) },
      { reason: 'It is busy.' },
      { mode: null },
      { provider: carol.peerId },
      { file: 'AB'.repeat(32) },
      { receipt: new Uint8Array(31) },
      { auditorEngine: 'abacus/cpu' as AuditReport['auditorEngine'] },
    ]) {
      expect(readReport(await signReport(findings(wrong), carol))).toBeNull();
    }
    const inAdasName = Array.from(await signReport(findings(), ada)).slice(RECORD_OVERHEAD_BYTES);
    expect(readReport(await signRecord('audit-report', Uint8Array.from(inAdasName), carol))).toBeNull();
    expect(readReport(await signRecord('audit-report', Uint8Array.from(inAdasName), ada))).not.toBeNull();
    // Nobody verifies a signature under what is no report.
    expect(readReport(await signReport(findings({ mode: null }), carol), neverAsked)).toBeNull();
  });
});

describe('the file of an answer that was checked', () => {
  it('lets anyone find the same verdicts again', async () => {
    const evidence = await answered();
    const { receipt, digest } = checkEvidence(evidence, null);
    const about = { leaseNonce: receipt.leaseNonce, receipt: digest };
    const reports = await Promise.all([
      signReport(findings(about), carol),
      signReport(findings({ ...about, deviations: new Uint8Array(5).fill(255) }), ada),
      signReport(findings({ ...about, deviations: new Uint8Array(4) }), carol),
      signReport(findings({ ...about, receipt: new Uint8Array(32) }), carol),
      signReport(findings({ ...about, providerEngine: 'llama.cpp/cuda' }), carol),
    ]);
    const row = { provider: 'llama.cpp/cpu', auditor: 'llama.cpp/cpu', mode: 'seed', file: null, mean: 0.001 } as const;
    const rows: Calibration[] = [{ ...row, telling: 1, answers: 1, tokens: 1, measured: 'for this test' }];
    const secret = randomBytes(32);
    const { bytes: draw } = await signDraw({ epoch: 1, root: new Uint8Array(32) }, softwareIdentity(secret), secret);
    const packed = packBundle({ evidence: packEvidence(evidence)!, draw, reports });
    const { found, worthless, verdict, drawn, checked } = recount(packed, rows);
    expect(found.map((one) => one.verdict)).toEqual(['agrees', 'deviates']);
    expect({ worthless, verdict }).toEqual({ worthless: 3, verdict: 'unknown' });
    expect(drawn).toBe(false);
    expect(checked.digest).toEqual(digest);
    expect(() => recount(packed.subarray(0, packed.byteLength - 1), rows)).toThrow('damaged');
  });
});

const neverAsked = (): boolean => {
  throw new Error('A signature was checked too early.');
};
