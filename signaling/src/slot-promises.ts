/**
 * Slots kept for those who were just sent to a provider and have not begun there, so that many who ask at once are not all
 * sent to the same slot. A promise ends when the provider shows the task, when either end leaves, or with its time.
 */
import type { Clock } from '@llmesh/core/clock';
import type { PeerId } from '@llmesh/core/ids';
import { hasRoom, type RegisteredPeer, type Registry } from './registry.ts';

/** To dial, to seal the link and to hand over the question: a second and a half through a relay. */
export const PROMISE_MS = 3_000;
/** Of those who ask for more at once the oldest promise gives way: nobody holds the whole mesh. */
export const MAX_PROMISES_PER_PEER = 32;

interface SlotPromise {
  readonly provider: RegisteredPeer;
  readonly asker: PeerId;
  readonly requestId: number;
  readonly untilMs: number;
}

export class SlotPromises {
  readonly #clock: Clock;
  readonly #registry: Registry;
  /** All last equally long: the first made is the first to run out. */
  readonly #all = new Set<SlotPromise>();
  readonly #ofProvider = new Map<RegisteredPeer, SlotPromise[]>();
  readonly #ofAsker = new Map<PeerId, SlotPromise[]>();
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock, registry: Registry) {
    this.#clock = clock;
    this.#registry = registry;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Nothing is promised of a provider that is full. */
  make(provider: RegisteredPeer, asker: PeerId, requestId: number): void {
    if (!hasRoom(provider)) return;
    const promise = { provider, asker, requestId, untilMs: this.#clock.now() + PROMISE_MS };
    this.#all.add(promise);
    push(this.#ofProvider, provider, promise);
    const asked = push(this.#ofAsker, asker, promise);
    this.#registry.promise(provider, 1);
    const [oldest] = asked;
    if (asked.length > MAX_PROMISES_PER_PEER && oldest !== undefined) this.#end(oldest);
    this.#stopTimer ??= this.#clock.after(PROMISE_MS, () => this.#sweep());
  }

  /** So many tasks more than before are at this provider. */
  begun(provider: RegisteredPeer, tasks: number): void {
    for (const promise of this.#ofProvider.get(provider)?.slice(0, tasks) ?? []) this.#end(promise);
  }

  withdraw(asker: PeerId, requestId: number): void {
    for (const promise of this.#ofAsker.get(asker)?.slice() ?? []) {
      if (promise.requestId === requestId) this.#end(promise);
    }
  }

  /** Neither needs a slot any more, nor has one. */
  left(peer: RegisteredPeer): void {
    for (const promise of this.#ofProvider.get(peer)?.slice() ?? []) this.#end(promise);
    for (const promise of this.#ofAsker.get(peer.peerId)?.slice() ?? []) this.#end(promise);
  }

  /** Idempotent. */
  close(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const promise of this.#all) {
      if (promise.untilMs > now) break;
      this.#end(promise);
    }
    const [next] = this.#all;
    this.#stopTimer = next === undefined ? null : this.#clock.after(next.untilMs - now, () => this.#sweep());
  }

  #end(promise: SlotPromise): void {
    // What an ended promise sets off may have ended others.
    if (!this.#all.delete(promise)) return;
    pull(this.#ofProvider, promise.provider, promise);
    pull(this.#ofAsker, promise.asker, promise);
    this.#registry.promise(promise.provider, -1);
  }
}

function push<K>(lists: Map<K, SlotPromise[]>, key: K, promise: SlotPromise): SlotPromise[] {
  const list = lists.get(key);
  if (list !== undefined) {
    list.push(promise);
    return list;
  }
  const fresh = [promise];
  lists.set(key, fresh);
  return fresh;
}

function pull<K>(lists: Map<K, SlotPromise[]>, key: K, promise: SlotPromise): void {
  const list = lists.get(key);
  if (list === undefined) return;
  list.splice(list.indexOf(promise), 1);
  if (list.length === 0) lists.delete(key);
}
