/** What goes in and out of files and pages: calibrations of the operator, lengths of questions, audits on the disk. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, test } from 'vitest';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { CALIBRATIONS } from '@llmesh/core/proof/calibration-table';
import { MeshDatabase } from '../store/mesh-database.ts';
import { AuditTable } from './audit-table.ts';
import { NEW_AUDITOR } from '@llmesh/core/proof/auditor-standing';
import { openCalibrations } from './figures/calibration-file.ts';
import { LengthTable } from './figures/length-table.ts';
import { BINS, binOf, PairTable, upperEdge } from './figures/pair-figures.ts';
import { settle } from './auditors/settle.ts';
import { Standings } from './standings.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmesh-audit-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

const ROW = {
  provider: 'llama.cpp/cpu',
  auditor: 'web-llm/webgpu',
  mode: 'seed',
  file: null,
  mean: 0.05,
  telling: 1,
} as const;
const WHOLE = { ...ROW, answers: 10, tokens: 500, measured: 'here' };

test('calibrations of the operator go before ours, and a wrong file says what is wrong', async () => {
  const file = join(folder, 'calibrations.json');
  const open = async (text: string) => {
    await writeFile(file, text);
    return await openCalibrations(file);
  };
  expect(await openCalibrations(null)).toBe(CALIBRATIONS);
  expect(await open(JSON.stringify([WHOLE]))).toEqual([WHOLE, ...CALIBRATIONS]);
  await expect(open('[')).rejects.toThrow(/LLMESH_CALIBRATIONS .*cannot be read as JSON/);
  await expect(open(JSON.stringify([{ ...WHOLE, mean: 0 }]))).rejects.toThrow(/is no list of calibrations/);
  await expect(open(JSON.stringify(WHOLE))).rejects.toThrow(/is no list of calibrations/);
  await expect(openCalibrations(join(folder, 'none.json'))).rejects.toThrow(/cannot be read/);
});

it('tells lengths roughly, and none that few had', () => {
  const lengths = new LengthTable();
  for (let i = 0; i < 123; i++) lengths.count(100, 33 + (i % 20));
  for (let i = 0; i < 19; i++) lengths.count(5_000, 1);
  expect(lengths.told()).toEqual([{ input: 128, output: 64, answers: 120 }]);
  for (let i = 0; i < 100_000; i++) lengths.count(1, 1);
  // What nobody asks any more fades.
  expect(lengths.told()).toMatchObject([
    { input: 1, output: 1 },
    { input: 128, output: 64, answers: 61 },
  ]);
});

it('puts each mean deviation into the bin that ends above it', () => {
  for (const mean of [0, 1e-9, 2 ** -14, 0.003, 0.1, 0.25, 0.5, 0.51, 1]) {
    const bin = binOf(mean);
    expect(bin).toBeGreaterThanOrEqual(0);
    expect(bin).toBeLessThan(BINS);
    expect(mean).toBeLessThanOrEqual(upperEdge(bin));
  }
  expect(binOf(0)).toBe(0);
  expect(upperEdge(BINS - 1)).toBe(1);
});

test('everything is on the disk when it is said to be, for whoever opens it after a crash', async () => {
  const table = new AuditTable(new MeshDatabase(folder));
  const [provider, requester, auditor] = [newPeerId(), newPeerId(), newPeerId()];
  const file = 'ab'.repeat(32);
  const audit = {
    ...{ receipt: randomBytes(32), leaseNonce: randomBytes(16), draw: randomBytes(250), drawnMs: 1_000 },
    ...{ model: 'm' as ModelId, file, engine: 'llama.cpp/cpu' as const, work: 1.5 },
    provider: { peerId: provider, network: '198.51.100.1' },
    requester: { peerId: requester, network: '203.0.113.1' },
    auditors: [{ peerId: auditor, network: '192.0.2.1', engine: 'llama.cpp/cuda' as const }],
    findings: [],
  };
  await table.draw([audit]);
  const digest = randomBytes(32);
  const finding = { auditor, verdict: 'deviates', log10E: 3, digest } as const;
  const key = { provider: 'llama.cpp/cpu', auditor: 'llama.cpp/cuda', mode: 'greedy', file } as const;
  const pair = new PairTable([]).counted(key, 'deviates', new Uint8Array([255, 0]));
  await table.report(audit.receipt, { ...finding, why: 'It has …', report: randomBytes(300) }, pair, 2_000);
  // Nothing is closed: this is what another process finds after a kill.
  const after = () => new AuditTable(new MeshDatabase(folder));
  expect(after().open(1_000)).toEqual([{ ...audit, findings: [finding] }]);
  expect(after().open(1_001)).toEqual([]);
  expect(after().pairs()).toEqual([{ ...pair, deviation: 1, tokens: 2 }]);

  const settled = settle([finding], new Set());
  let standing = new Standings([]).next(provider, file, audit.model, settled.judged);
  standing = { ...standing, level: 'convicted' };
  const record = [auditor, { ...NEW_AUDITOR, agreed: 1 }] as const;
  const slashing = { provider, file, percent: 10, reason: 'It lied.' };
  const fees = { auditors: [auditor], fromMs: 9_000 };
  await table.settle(
    { receipt: audit.receipt, settled, standing, auditors: [record], slashing, fees, liars: [] },
    3_000,
  );
  expect(after().dues.dues(8_999)).toEqual([]);
  expect(after().dues.dues(9_000)).toMatchObject([{ body: { kind: 'audit-fee' } }]);
  expect(after().open(0)).toEqual([]);
  expect(after().standings()).toEqual([standing]);
  expect(after().auditors()).toEqual([record]);
  expect(after().slashings()).toEqual([slashing]);
  await after().forgive([provider]);
  expect(after().standings()).toEqual([]);
});
