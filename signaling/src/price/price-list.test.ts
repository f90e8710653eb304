import { describe, expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { DEMAND_STEP_MS, MAX_DEMAND_STEP } from '@llmesh/core/policy/demand-price';
import { QUOTED_FOR_MS } from '@llmesh/core/policy/price';
import type { ModelId } from '@llmesh/core/base/ids';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { PriceList, type OfferIdentity } from './price-list.ts';

const PARAMETERS: Record<string, number> = {
  ...{ 'price-tiny': 1_000, 'price-small': 2_000, 'price-medium': 8_000, 'price-large': 30_000 },
  ...{ 'demand-floor': 500, 'demand-ceiling': 2_000 },
};
const about = { name: 'M 8B', quant: 'q4', format: 'gguf', contextTokens: 4_096, sha256: null } as const;
const offer: Offer = {
  ...{ id: 'm' as ModelId, ...about, providers: 2, slots: 8, busySlots: 8, queued: 0, freeSlots: 0 },
  tokensPerSecond: null,
};

function setUp(offers: Offer[] = [offer]) {
  const clock = new ManualClock();
  const mesh = { offers, waiting: 0, changes: 0, parameters: { ...PARAMETERS }, sizes: new Map<string, number>() };
  const prices = new PriceList({
    clock,
    offers: () => mesh.offers,
    waiting: () => mesh.waiting,
    sizeBytes: ({ id }: OfferIdentity) => mesh.sizes.get(id) ?? null,
    parameter: (name) => mesh.parameters[name]!,
    changed: () => mesh.changes++,
  });
  return { clock, mesh, prices, shown: () => prices.priced(mesh.offers)[0]!.price };
}

describe('prices', () => {
  test('go by the size that the catalogue knows, and rise slowly while people wait', async () => {
    const { clock, mesh, prices, shown } = setUp();
    mesh.sizes.set('m', 5_000_000_000);
    expect(shown()).toBe(8_000);
    mesh.waiting = 100;
    await clock.advance(DEMAND_STEP_MS);
    expect(shown()).toBe((8_000 * (1_000 + MAX_DEMAND_STEP)) / 1_000);
    expect(mesh.changes).toBe(1);
    await clock.advance(100 * DEMAND_STEP_MS);
    expect(shown()).toBe(16_000);
    expect(prices.of(offer)).toEqual({ price: 16_000, base: 8_000, demand: 2_000 });
    mesh.waiting = 0;
    await clock.advance(100 * DEMAND_STEP_MS);
    expect(shown()).toBe(8_000);
  });

  test('fall while slots are idle, of which only those count that their providers have a record for', async () => {
    const { clock, mesh, shown } = setUp([{ ...offer, slots: 64, busySlots: 0, freeSlots: 2 }]);
    await clock.advance(200 * DEMAND_STEP_MS);
    expect(shown()).toBe(500);
    mesh.offers = [{ ...offer, slots: 64, busySlots: 2, freeSlots: 2 }];
    await clock.advance(200 * DEMAND_STEP_MS);
    expect(shown()).toBe(1_000);
  });

  test('that were shown hold for a quarter of an hour, and no longer', async () => {
    const { clock, mesh, prices, shown } = setUp();
    expect(shown()).toBe(1_000);
    mesh.parameters['price-tiny'] = 3_000;
    expect([shown(), prices.lowest(offer)]).toEqual([3_000, 1_000]);
    await clock.advance(QUOTED_FOR_MS);
    expect([shown(), prices.lowest(offer)]).toEqual([3_000, 1_000]);
    await clock.advance(1);
    expect([shown(), prices.lowest(offer)]).toEqual([3_000, 3_000]);
  });

  test('are not reset by providers that leave and come back, and what was never offered was never shown', async () => {
    const { clock, mesh, prices, shown } = setUp();
    expect(prices.of(offer).price).toBe(1_000);
    mesh.sizes.set('m', 50_000_000_000);
    mesh.waiting = 9;
    await clock.advance(100 * DEMAND_STEP_MS);
    expect(shown()).toBe(60_000);
    expect(prices.lowest(offer)).toBeGreaterThanOrEqual(30_000);
    mesh.offers = [];
    await clock.advance(100 * DEMAND_STEP_MS);
    mesh.offers = [offer];
    expect(shown()).toBe(60_000);
    prices.close();
  });
});
