import { expect, it } from 'vitest';
import type { LentAdapters } from '../models/adapter-file.ts';
import { DoesNotFit, type Plan, type PlanRequest } from './context/model-plan.ts';
import { planWith } from './adapter-plan.ts';

const plan = (changes: Partial<Plan> = {}): Plan => ({
  ...{ gpuLayers: 0, contextTokens: 4_096, slots: 4, memoryBytes: 1 },
  ...changes,
});
const alone = plan();
const brought: LentAdapters = { files: [], fetch: async () => Promise.reject(new Error()), isOptional: true };
const tooLarge = new DoesNotFit('Too large.', 1, { ramBytes: 0, vramBytes: 0, unified: false });

/** `both`: what is planned with adapters. */
async function planned(lent: LentAdapters | null, both: Plan | DoesNotFit) {
  const asked: Pick<PlanRequest, 'adapters'>[] = [];
  const result = await planWith(lent, async (adapters) => {
    asked.push(adapters);
    if (adapters.adapters === undefined) return alone;
    if (both instanceof DoesNotFit) throw both;
    return both;
  });
  return { ...result, asked };
}

it('keeps memory for adapters that may be brought along where the model loses nothing', async () => {
  const both = plan({ memoryBytes: 2 });
  expect(await planned(brought, both)).toMatchObject({ layout: both, hasAdapters: true });
});

it.each([
  ['less context', plan({ contextTokens: 2_048 })],
  ['fewer answers at once', plan({ slots: 3 })],
  ['a smaller share on the graphics card', plan({ gpuLayers: -1 })],
  ['no room at all', tooLarge],
])('goes without them rather than with %s', async (_what, both) => {
  expect(await planned(brought, both)).toMatchObject({ layout: alone, hasAdapters: false });
});

it('never goes without those that the owner named', async () => {
  const chosen = { ...brought, isOptional: false };
  expect(await planned(chosen, plan({ slots: 1 }))).toMatchObject({ layout: { slots: 1 }, hasAdapters: true });
  await expect(planned(chosen, tooLarge)).rejects.toBe(tooLarge);
});

it('plans once where there are none', async () => {
  expect(await planned(null, alone)).toMatchObject({ hasAdapters: false, asked: [{}] });
});
