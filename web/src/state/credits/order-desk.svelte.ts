/** One thing that a person has their mesh do with their credits or their vote: on its way, done, or refused and why. */
import { asMeshError, type MeshError } from '@llmesh/core/base/errors';
import type { OrderBody } from '@llmesh/core/ledger/order';

/** Signs and sends. Resolves once it is in the ledger; rejects with a MeshError that says why it is not, and what to do. */
export type GiveOrder = (body: OrderBody, signal: AbortSignal) => Promise<void>;

/** What the page knows of all its orders. */
export class Orders {
  readonly #give: GiveOrder;
  #votes = $state(0);

  constructor(give: GiveOrder) {
    this.#give = give;
  }

  /** A proposal or a ballot of ours is on its way to the ledger. */
  get voting(): boolean {
    return this.#votes > 0;
  }

  /** Resolves once it is in the ledger; rejects as `GiveOrder`. */
  async place(body: OrderBody, signal: AbortSignal): Promise<void> {
    const votes = Number(body.kind === 'vote' || body.kind === 'propose');
    this.#votes += votes;
    try {
      await this.#give(body, signal);
    } finally {
      this.#votes -= votes;
    }
  }
}

export class OrderDesk {
  readonly #orders: Orders;
  #state = $state.raw<'idle' | 'sending' | 'done'>('idle');
  #error = $state.raw<MeshError | null>(null);

  constructor(orders: Orders) {
    this.#orders = orders;
  }

  get sending(): boolean {
    return this.#state === 'sending';
  }

  /** The last order is in the ledger. */
  get done(): boolean {
    return this.#state === 'done';
  }

  /** Why the last order was not carried out, and what to do; null: there was none, or it was. */
  get error(): MeshError | null {
    return this.#error;
  }

  /** True once it is in the ledger. Never rejects; a second press while one is on its way does nothing. */
  async place(body: OrderBody, signal: AbortSignal = new AbortController().signal): Promise<boolean> {
    if (this.sending) return false;
    this.#state = 'sending';
    this.#error = null;
    try {
      await this.#orders.place(body, signal);
      this.#state = 'done';
      return true;
    } catch (error) {
      this.#state = 'idle';
      this.#error = asMeshError(error, 'order_refused', 'This page could not sign it. Reload the page, and try again.');
      return false;
    }
  }

  /** The person begins anew. */
  reset(): void {
    if (this.sending) return;
    this.#state = 'idle';
    this.#error = null;
  }
}
