/** The price in a mesh of one small model, moved by demand as on a control plane. */
import { parameter } from '@llmesh/core/ledger/parameter';
import { DEMAND_STEP_MS, loadOf, nextDemand } from '@llmesh/core/policy/demand-price';
import { PLAIN, priceOf } from '@llmesh/core/policy/price';
import type { LedgerState } from '@llmesh/core/ledger/state';

export interface Load {
  readonly busy: number;
  readonly waiting: number;
  readonly slots: number;
}

export class SimulatedPrice {
  readonly #state: LedgerState;
  /** In thousandths. */
  demand = PLAIN;

  constructor(state: LedgerState) {
    this.#state = state;
  }

  /** Micro-credits for 1,000 units. */
  get now(): number {
    return priceOf({ base: parameter(this.#state, 'price-small'), demand: this.demand, complexity: PLAIN });
  }

  /** So much time passes with this load. */
  pass(ms: number, load: Load): void {
    const bounds = {
      floor: parameter(this.#state, 'demand-floor'),
      ceiling: parameter(this.#state, 'demand-ceiling'),
    };
    for (let at = 0; at < ms; at += DEMAND_STEP_MS) this.demand = nextDemand(this.demand, loadOf(load), bounds);
  }
}
