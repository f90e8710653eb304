import { expect, it } from 'vitest';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { calibrationFor } from '@llmesh/core/proof/calibration';
import { CALIBRATIONS } from '@llmesh/core/proof/calibration-table';
import type { Judged } from '@llmesh/core/proof/standing';
import { checkable } from '../testing/audits.ts';
import { Standings } from './standings.ts';
import { Trust, trustAt } from './trust.ts';

const FILE = 'ab'.repeat(32);
const MODEL = 'm' as ModelId;
const AGREES: Judged[] = [{ log10E: -0.3 }];

it('a newcomer keeps little until it was checked twice, where answers are checked and its own can be', () => {
  const engine = 'llama.cpp/cpu' as const;
  expect(calibrationFor(CALIBRATIONS, { provider: engine, auditor: engine, mode: 'seed', file: FILE })).not.toBeNull();
  const standings = new Standings([]);
  const [newcomer, unlike, quiet] = [newPeerId(), newPeerId(), newPeerId()];
  const models = new Map([
    [newcomer, checkable()],
    [unlike, checkable({ format: 'mlc', backend: 'webgpu' })],
    [quiet, checkable({ sha256: null })],
  ]);
  const registry = { find: (peer: typeof newcomer) => ({ models: [models.get(peer)!] }) as never };
  let checks = false;
  const trust = new Trust({ standings, registry, calibrations: CALIBRATIONS, checks: () => checks });
  // Nobody checks anything here.
  expect(trust.of(newcomer)).toBe(1);
  checks = true;
  expect([newcomer, unlike, quiet].map((peer) => trust.of(peer))).toEqual([0.4, 1, 1]);
  const all = [0, 1].map(() => {
    standings.put(standings.next(newcomer, FILE, MODEL, AGREES));
    return trust.of(newcomer);
  });
  expect(all).toEqual([0.6, 1]);
});

it('falls with the level, and nobody gains by being found wrong', () => {
  expect((['good', 'suspected', 'quarantined', 'convicted'] as const).map((level) => trustAt(level, 9))).toEqual([
    1, 0.4, 0.4, 0,
  ]);
  for (const checked of [0, 1, 2]) expect(trustAt('suspected', checked)).toBeLessThanOrEqual(trustAt('good', checked));
});
