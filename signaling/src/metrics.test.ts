import { expect, test } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { Metrics } from './metrics.ts';
import { DeliveryTable } from './receipts/delivery-table.ts';
import { Registry } from './registry/registry.ts';
import { NOW_S, receiptOf } from './testing/deliveries.ts';

const noSockets = { mesh: () => 0, signal: () => 0, relay: () => 0 };

test('say how much is kept, and everything else while the store cannot be asked', async () => {
  const registry = new Registry(new ManualClock());
  const store = new DeliveryTable(null);
  await store.file([receiptOf(), receiptOf()], NOW_S * 1000);
  const metrics = new Metrics(registry, noSockets, store);
  expect(await metrics.text()).toMatch(/^llmesh_receipts 2$/m);
  await store.close();
  const text = await metrics.text();
  expect(text).toMatch(/^llmesh_receipts NaN$/im);
  expect(text).toMatch(/^llmesh_peers 0$/m);
});
