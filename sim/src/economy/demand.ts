/** The price in a mesh of one tiny model, as the control plane moves it. */
import { parameter } from '@llmesh/core/ledger/parameter';
import { PLAIN, priceOf } from '@llmesh/core/policy/price';
import type { Economy } from './economy.ts';

export function priceNow({ state }: Economy, demand = PLAIN): number {
  return priceOf({ base: parameter(state, 'price-tiny'), demand, complexity: PLAIN });
}

export function demandOf(waiting: number, turns: number, before = PLAIN): number {
  const wanted = waiting > turns ? 2_000 : waiting * 2 < turns ? 500 : PLAIN;
  return Math.max(500, Math.min(2_000, before + Math.sign(wanted - before) * 50));
}
