/** Parts of the world that cannot reach the others, or the control plane, for a while. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { VirtualClock } from './virtual-clock.ts';

/** The world is a square with sides of 1; the control plane stands in its middle. */
export interface Place {
  x: number;
  y: number;
}

/** Peers east of `x` cannot reach those west of it; or, while all peers can, cannot reach the control plane. */
export interface Cut {
  x: number;
  from: 'others' | 'server';
  untilMs: number;
}

export class Partitions {
  readonly #clock: VirtualClock;
  readonly #place: (peer: PeerId) => Place;
  #cuts: Cut[] = [];

  constructor(clock: VirtualClock, place: (peer: PeerId) => Place) {
    this.#clock = clock;
    this.#place = place;
  }

  begin(cut: Cut): void {
    this.#cuts = this.#cuts.filter(({ untilMs }) => untilMs > this.#clock.now());
    this.#cuts.push(cut);
  }

  /** When a message that is sent now sets out: now, unless a cut lies between them. `null`: the control plane. */
  opensAtMs(a: PeerId, b: PeerId | null): number {
    let atMs = this.#clock.now();
    if (this.#cuts.length === 0) return atMs;
    for (const cut of this.#cuts) if (cut.untilMs > atMs && this.#separates(cut, a, b)) atMs = cut.untilMs;
    return atMs;
  }

  #separates({ x, from }: Cut, a: PeerId, b: PeerId | null): boolean {
    const east = this.#place(a).x > x;
    if (b === null) return from === 'server' && east;
    return from === 'others' && east !== this.#place(b).x > x;
  }
}
