/**
 * Which providers offer a model: those with a free slot, those with one whose model is out of memory, those without, and
 * those that fell silent.
 */
import type { ModelId } from '@llmesh/core/ids';
import { Bag } from './bag.ts';
import type { RegisteredPeer } from './registry.ts';

export const ROOMS = ['free', 'resting', 'full', 'silent'] as const;
export type Room = (typeof ROOMS)[number];

export class ModelIndex {
  readonly #models = new Map<ModelId, Record<Room, Bag<RegisteredPeer>>>();

  /** Takes it out of where it was. */
  put(model: ModelId, peer: RegisteredPeer, room: Room): void {
    let bags = this.#models.get(model);
    if (bags === undefined) {
      bags = { free: new Bag(), resting: new Bag(), full: new Bag(), silent: new Bag() };
      this.#models.set(model, bags);
    }
    for (const other of ROOMS) if (other !== room) bags[other].remove(peer);
    bags[room].add(peer);
  }

  remove(model: ModelId, peer: RegisteredPeer): void {
    const bags = this.#models.get(model);
    if (bags === undefined) return;
    for (const room of ROOMS) bags[room].remove(peer);
    if (ROOMS.every((room) => bags[room].size === 0)) this.#models.delete(model);
  }

  has(model: ModelId): boolean {
    return this.#models.has(model);
  }

  bag(model: ModelId, room: Room): Bag<RegisteredPeer> | null {
    return this.#models.get(model)?.[room] ?? null;
  }
}
