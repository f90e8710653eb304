/**
 * Checks signatures, in turns among networks: a peer that files much holds up only itself. On threads of their own, as many
 * as the computer has cores; or here, a few at a time with pauses in which the server answers everyone else.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { widerNetworkOf } from '../sockets/address.ts';

/** Here: about two milliseconds of work, then a pause: at most a third of one core, some hundred receipts a second. */
const CHECKS_A_TURN = 12;
const PAUSE_MS = 4;
/** On threads: enough that they have work while the server writes a large batch to the disk. */
const MAX_ON_THREADS = 384;
/** Of one network: whoever comes from elsewhere is checked right behind these. */
const MAX_ON_THREADS_PER_NETWORK = 96;
/** Each takes some kilobytes. */
export const MAX_QUEUED = 2_048;
/** Enough for a school after an outage: its peers file one after the other, each one at a time. */
export const MAX_QUEUED_PER_NETWORK = 256;

/**
 * Each tells whether one signature is right; they are called in this order, up to the first wrong one. None may throw. A
 * queue has them all here, or all on threads.
 */
export type Checks = readonly (() => boolean)[] | readonly (() => Promise<boolean>)[];
export type Where = 'here' | 'threads';

interface Job {
  /** The wide network that it comes from. */
  network: string;
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
  readonly #where: Where;
  /** Jobs on threads, and how many of each network. */
  readonly #running = new Set<Promise<void>>();
  readonly #runningOf = new Map<string, number>();

  constructor(clock: Clock, where: Where = 'here') {
    this.#clock = clock;
    this.#where = where;
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
    lane.push({ network: name, checks, done });
    this.#lanes.set(name, lane);
    this.#size++;
    this.#work();
  }

  /** Checks everything that waits right now: the server is closing. */
  async flush(): Promise<void> {
    this.#left = Infinity;
    this.#work();
    this.#stopPause?.();
    this.#stopPause = null;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #work(): void {
    if (this.#where === 'threads') return this.#fillThreads();
    while (this.#left > 0) {
      const job = this.#next();
      if (job === null) break;
      this.#left -= job.checks.length;
      job.done((job.checks as readonly (() => boolean)[]).findIndex((right) => !right()));
    }
    this.#stopPause ??= this.#clock.after(PAUSE_MS, () => {
      this.#stopPause = null;
      this.#left = CHECKS_A_TURN;
      if (this.#size > 0) this.#work();
    });
  }

  #fillThreads(): void {
    while (this.#running.size < MAX_ON_THREADS) {
      const job = this.#next();
      if (job === null) return;
      this.#count(job, 1);
      const running = firstWrong(job.checks).then((wrong) => {
        this.#running.delete(running);
        this.#count(job, -1);
        job.done(wrong);
        this.#work();
      });
      this.#running.add(running);
    }
  }

  /** That of the network whose turn it is. Null: none may run now. */
  #next(): Job | null {
    for (const [name, lane] of this.#lanes) {
      if ((this.#runningOf.get(name) ?? 0) >= MAX_ON_THREADS_PER_NETWORK) continue;
      const job = lane.shift()!;
      // Moves to the end of the queue.
      this.#lanes.delete(name);
      if (lane.length > 0) this.#lanes.set(name, lane);
      this.#size--;
      return job;
    }
    return null;
  }

  #count({ network }: Job, more: 1 | -1): void {
    const count = (this.#runningOf.get(network) ?? 0) + more;
    if (count > 0) this.#runningOf.set(network, count);
    else this.#runningOf.delete(network);
  }
}

async function firstWrong(checks: Checks): Promise<number> {
  for (const [i, isRight] of checks.entries()) if (!(await isRight())) return i;
  return -1;
}
