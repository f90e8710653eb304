/**
 * Checks signatures a few at a time, with pauses in which the server answers everyone else, and in turns among
 * networks: a peer that files much holds up only itself.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { widerNetworkOf } from '../sockets/address.ts';

/** About two milliseconds of work, then a pause: at most a third of one core, some hundred receipts a second. */
const CHECKS_A_TURN = 12;
const PAUSE_MS = 4;
/** Each takes some kilobytes. */
export const MAX_QUEUED = 2_048;
/** Enough for a school after an outage: its peers file one after the other, each one at a time. */
export const MAX_QUEUED_PER_NETWORK = 256;

/** Each tells whether one signature is right; they are called in this order, up to the first wrong one. */
export type Checks = readonly (() => boolean)[];

interface Job {
  checks: Checks;
  done: (wrong: number) => void;
}

export class SignatureQueue {
  readonly #clock: Clock;
  /** The jobs of each network, in the order of their turns. */
  readonly #lanes = new Map<string, Job[]>();
  #size = 0;
  /** Checks left in this turn. */
  #left = CHECKS_A_TURN;
  #stopPause: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Calls `done` with the index of the first check that fails; -1: none does. Runs at once when nothing else is to be
   * checked. Throws busy when too much waits.
   */
  check(network: string, checks: Checks, done: (wrong: number) => void): void {
    const name = widerNetworkOf(network);
    const lane = this.#lanes.get(name) ?? [];
    if (this.#size >= MAX_QUEUED || lane.length >= MAX_QUEUED_PER_NETWORK) {
      throw new MeshError('busy', 'Too many receipts are being checked. LLMesh will file this one again.');
    }
    lane.push({ checks, done });
    this.#lanes.set(name, lane);
    this.#size++;
    this.#work();
  }

  /** Checks everything that waits right now: the server is closing. */
  flush(): void {
    this.#left = Infinity;
    this.#work();
    this.#stopPause?.();
    this.#stopPause = null;
  }

  #work(): void {
    while (this.#left > 0) {
      const [next] = this.#lanes;
      if (next === undefined) break;
      const [name, lane] = next;
      const job = lane.shift();
      // Moves to the end of the queue.
      this.#lanes.delete(name);
      if (lane.length > 0) this.#lanes.set(name, lane);
      if (job === undefined) continue;
      this.#size--;
      this.#left -= job.checks.length;
      job.done(job.checks.findIndex((right) => !right()));
    }
    this.#stopPause ??= this.#clock.after(PAUSE_MS, () => {
      this.#stopPause = null;
      this.#left = CHECKS_A_TURN;
      if (this.#size > 0) this.#work();
    });
  }
}
