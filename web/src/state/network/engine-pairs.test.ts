import type { AuditedPair } from '@llmesh/core/wire/api-pages';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { expect, it } from 'vitest';
import { AuditFigures } from './audits.svelte.ts';
import { enginePairs } from './engine-pairs.ts';

const PAIR: AuditedPair = {
  ...({ provider: 'llama.cpp/cpu', auditor: 'llama.cpp/cuda', mode: 'seed', file: 'a'.repeat(64) } as const),
  ...{ answers: 10, agrees: 9, deviates: 1, unknown: 0, tokens: 900, meanDeviation: 0.01 },
  ...{ calibrated: true, falsePositivesPerAudit: 1e-6, histogram: [9, 1] },
};

it('counts engines together, whichever file they had, and claims nothing that is not measured for each', () => {
  const other = { ...PAIR, file: 'b'.repeat(64), tokens: 100, meanDeviation: 0.11, falsePositivesPerAudit: 1e-5 };
  const few = { ...PAIR, auditor: 'web-llm/webgpu', answers: 3, calibrated: false };
  expect(enginePairs([few, PAIR, other])).toMatchObject([
    { auditor: 'llama.cpp/cuda', answers: 20, deviates: 2, tokens: 1_000, falsePositivesPerAudit: 1e-5 },
    { auditor: 'web-llm/webgpu', answers: 3, falsePositivesPerAudit: null },
  ]);
  expect(enginePairs([PAIR, other])[0]!.meanDeviation).toBeCloseTo(0.02);
  expect(enginePairs([PAIR, { ...other, calibrated: false }])[0]!.falsePositivesPerAudit).toBeNull();
});

it('are asked for while somebody looks, and stay as they were while the server is away', async () => {
  const clock = new ManualClock();
  const counts = { answers: 40, drawn: 2, checked: 1, agrees: 1, deviates: 0, unknown: 0 };
  const page = { share: 0.02, ...counts, suspected: 0, quarantined: 0, convicted: 0, pairs: [PAIR] };
  const pages: unknown[] = [page, { share: 'much' }, { ...page, answers: 50 }];
  const figures = new AuditFigures({ getJson: async () => pages.shift(), clock });
  const stop = figures.watch();
  await clock.advance(0);
  expect(figures.latest?.answers).toBe(40);
  await clock.advance(10_000);
  expect([figures.latest?.answers, pages.length]).toEqual([40, 1]);
  await clock.advance(10_000);
  expect(figures.latest?.answers).toBe(50);
  stop();
  await clock.advance(60_000);
  expect(pages).toEqual([]);
});
