/**
 * Checks signatures, in turns among networks: a peer that files much holds up only itself. On threads of their own, as many
 * as the computer has cores; or here, a few at a time with pauses in which the server answers everyone else.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { Signed } from './signature-threads.ts';

/** Here: about two milliseconds of work, then a pause: at most a third of one core, some hundred receipts a second. */
const CHECKS_A_TURN = 12;
const PAUSE_MS = 4;
/** On threads, so many at a time: some milliseconds, after which whoever comes from elsewhere is checked. */
const JOBS_A_PORTION = 48;
/** Of one network: whoever comes from elsewhere is checked right behind these. */
const MAX_ON_THREADS_PER_NETWORK = 96;
/** Each takes some kilobytes. */
export const MAX_QUEUED = 4_096;
/** Enough for a school after an outage: its peers file one after the other, each one at a time. */
export const MAX_QUEUED_PER_NETWORK = 256;

/** Checks the signatures of many jobs, each up to the first that is wrong. */
export interface Checker {
  /** Calls of `check` that may be under way at once. */
  readonly most: number;
  /** For each job, the index of its first wrong signature; -1: none is. Never rejects. */
  check(jobs: readonly (readonly Signed[])[]): Promise<readonly number[]>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Answers at once whether a signature is right. Never throws. */
export type Verify = (signed: Signed) => boolean;

interface Job {
  /** The wide network that it comes from. */
  network: string;
  signed: readonly Signed[];
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
  readonly #where: Verify | Checker;
  #isGathering = false;
  /** Portions on threads, and how many jobs of each network. */
  readonly #running = new Set<Promise<void>>();
  readonly #runningOf = new Map<string, number>();

  /** `where`: here, or on threads. */
  constructor(clock: Clock, where: Verify | Checker) {
    this.#clock = clock;
    this.#where = where;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Calls `done` with the index of the first signature that is wrong; -1: none is. Runs at once when nothing else is to be
   * checked. Throws busy when too much waits. `network`: the wide one that it comes from, as `widerNetworkOf` names it.
   */
  check(network: string, signed: readonly Signed[], done: (wrong: number) => void): void {
    const lane = this.#lanes.get(network) ?? [];
    if (this.#size >= MAX_QUEUED || lane.length >= MAX_QUEUED_PER_NETWORK) {
      throw new MeshError('busy', 'Too many receipts are being checked. LLMesh will file this one again.');
    }
    lane.push({ network, signed, done });
    this.#lanes.set(network, lane);
    this.#size++;
    if (typeof this.#where === 'function') this.#work();
    else this.#gather();
  }

  /** Checks everything that waits right now: the server is closing. */
  async flush(): Promise<void> {
    this.#left = Infinity;
    this.#work();
    this.#stopPause?.();
    this.#stopPause = null;
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Once everything is checked. */
  async close(): Promise<void> {
    await this.flush();
    if (typeof this.#where !== 'function') await this.#where.close();
  }

  #work(): void {
    if (typeof this.#where !== 'function') return this.#fillThreads(this.#where);
    const isRight = this.#where;
    while (this.#left > 0) {
      const job = this.#next();
      if (job === null) break;
      this.#left -= job.signed.length;
      job.done(job.signed.findIndex((signed) => !isRight(signed)));
    }
    this.#stopPause ??= this.#clock.after(PAUSE_MS, () => {
      this.#stopPause = null;
      this.#left = CHECKS_A_TURN;
      if (this.#size > 0) this.#work();
    });
  }

  /** What comes at the same time goes to the threads together: at once where it fills a portion. */
  #gather(): void {
    if (this.#size >= JOBS_A_PORTION) return this.#work();
    if (this.#isGathering) return;
    this.#isGathering = true;
    queueMicrotask(() => {
      this.#isGathering = false;
      this.#work();
    });
  }

  #fillThreads(threads: Checker): void {
    while (this.#running.size < threads.most) {
      const jobs: Job[] = [];
      while (jobs.length < JOBS_A_PORTION) {
        const job = this.#next();
        if (job === null) break;
        this.#count(job, 1);
        jobs.push(job);
      }
      if (jobs.length === 0) return;
      const running = threads.check(jobs.map(({ signed }) => signed)).then((wrong) => {
        this.#running.delete(running);
        for (const job of jobs) this.#count(job, -1);
        for (const [i, job] of jobs.entries()) job.done(wrong[i]!);
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
