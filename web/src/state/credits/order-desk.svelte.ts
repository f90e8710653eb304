/** One thing that a person has their mesh do with their credits or their vote: on its way, done, or refused and why. */
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { OrderBody } from '@llmesh/core/ledger/order';

export interface OrderNeeds {
  /** The mesh; null before its first word. */
  issuer: () => PeerId | null;
  /** Its time, in milliseconds since 1970; null while it is not known. */
  serverNowMs: () => number | null;
  sign: (body: OrderBody, about: { issuer: PeerId; ms: number }) => Promise<Uint8Array>;
  /** Rejects with a MeshError: the ledger does not take it, or the mesh is away. Resolves once it is in the ledger. */
  send: (order: Uint8Array, signal: AbortSignal) => Promise<void>;
}

/** Signs and sends: shared by all desks of the page, so that no two orders of ours have the same time. */
export class Orders {
  readonly #needs: OrderNeeds;
  #lastMs = 0;
  #votes = $state(0);

  constructor(needs: OrderNeeds) {
    this.#needs = needs;
  }

  /** A ballot of ours is on its way to the ledger. */
  get voting(): boolean {
    return this.#votes > 0;
  }

  /** Rejects with a MeshError. */
  async place(body: OrderBody, signal: AbortSignal): Promise<void> {
    const { issuer, serverNowMs, sign, send } = this.#needs;
    const [mesh, nowMs] = [issuer(), serverNowMs()];
    if (mesh === null || nowMs === null)
      throw new MeshError(
        'control_unreachable',
        'The mesh cannot be reached. Nothing was sent: try again in a moment.',
      );
    this.#lastMs = Math.max(Math.floor(nowMs), this.#lastMs + 1);
    const votes = Number(body.kind === 'vote');
    this.#votes += votes;
    try {
      await send(await sign(body, { issuer: mesh, ms: this.#lastMs }), signal);
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
