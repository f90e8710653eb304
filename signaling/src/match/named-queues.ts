/**
 * Questions that name their providers wait beside the open queues, once for each provider that they name: they take
 * nobody's position there, and a provider that is always full keeps only them waiting.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import type { OfferKey } from '@llmesh/core/policy/offer-key';
import type { Holder } from '../sockets/shares.ts';
import { PayingQueue } from './paying-queue.ts';

interface Named {
  readonly offer: OfferKey;
  readonly only: readonly PeerId[] | null;
  readonly holder: Holder;
  readonly pays: boolean;
}

export class NamedQueues<T extends Named> {
  readonly #hasWaitedLong: (one: T) => boolean;
  readonly #lines = new Map<string, PayingQueue<T>>();
  /** The queue whose position each hears: the shortest of its queues when it came. */
  readonly #homes = new Map<T, string>();

  constructor(hasWaitedLong: (one: T) => boolean) {
    this.#hasWaitedLong = hasWaitedLong;
  }

  get size(): number {
    return this.#homes.size;
  }

  add(one: T): void {
    const keys = keysOf(one);
    let home = keys[0] ?? '';
    for (const key of keys) {
      if ((this.#lines.get(key)?.size ?? 0) < (this.#lines.get(home)?.size ?? 0)) home = key;
    }
    this.#homes.set(one, home);
    for (const key of keys) {
      const line = this.#lines.get(key) ?? new PayingQueue(this.#hasWaitedLong);
      this.#lines.set(key, line);
      line.add(one);
    }
  }

  /** No longer wanted. Does nothing for one that is not here. */
  remove(one: T): void {
    this.#leave(one, (line) => line.remove(one));
  }

  /** Its turn has come. */
  take(one: T): void {
    this.#leave(one, (line) => line.take(one));
  }

  /** Those that name this provider for this offer; null: there are none. */
  of(provider: PeerId, offer: OfferKey): PayingQueue<T> | null {
    return this.#lines.get(key(provider, offer)) ?? null;
  }

  /** 1: the next; 0: not here. */
  position(one: T): number {
    return this.#lines.get(this.#homes.get(one) ?? '')?.position(one) ?? 0;
  }

  /** Others go before it because they pay. */
  isBehindPayers(one: T): boolean {
    return this.#lines.get(this.#homes.get(one) ?? '')?.isBehindPayers(one) ?? false;
  }

  /** Each once, with its position. Nobody may come or go until it ends. */
  *inTurn(): Generator<{ one: T; position: number }> {
    for (const home of new Set(this.#homes.values())) {
      let position = 0;
      for (const one of this.#lines.get(home)?.inTurn() ?? []) {
        position++;
        if (this.#homes.get(one) === home) yield { one, position };
      }
    }
  }

  #leave(one: T, leave: (line: PayingQueue<T>) => void): void {
    if (!this.#homes.delete(one)) return;
    for (const each of keysOf(one)) {
      const line = this.#lines.get(each);
      if (line === undefined) continue;
      leave(line);
      if (line.size === 0) this.#lines.delete(each);
    }
  }
}

function keysOf({ only, offer }: Named): string[] {
  return [...new Set(only)].map((provider) => key(provider, offer));
}

function key(provider: PeerId, offer: OfferKey): string {
  return `${provider} ${offer}`;
}
