/** The turns of a long conversation that are read while its last are shown already. */
import type { Clock } from '@llmesh/core/base/clock';
import type { KeptTurn } from '../kept-conversation.ts';
import type { ReadTurns } from './turn-reader.ts';

/** The last turns are drawn first. */
const AFTER_MS = 100;
/** Between the parts, and before a question that waits for them goes on: what is seen, and typed, comes first. */
const PAUSE_MS = 8;

export interface EarlierTurnsNeeds {
  clock: Clock;
  failed: (error: unknown) => void;
}

export class EarlierTurns {
  #isReading = $state(false);
  /** Resolves when they are here. Never rejects: what could not be read was told, and stays where it is kept. */
  readonly read: Promise<void>;
  /** What was heard of these meanwhile is newer than what is read. */
  #skipped: Set<number> | 'all' = new Set();

  /** `reads`: null: there are none. `take`: puts them before all others. */
  constructor(
    reads: ReadTurns['earlier'],
    take: (turns: readonly KeptTurn[]) => void,
    { clock, failed }: EarlierTurnsNeeds,
  ) {
    this.#isReading = reads !== null;
    this.read = reads === null ? Promise.resolve() : this.#readLater(reads, take, clock).catch(failed);
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  /** The turn at this place has changed, or is gone. */
  skip(order: number): void {
    if (this.#isReading && this.#skipped !== 'all') this.#skipped.add(order);
  }

  /** All turns were told. */
  skipAll(): void {
    this.#skipped = 'all';
  }

  async #readLater(
    reads: NonNullable<ReadTurns['earlier']>,
    take: (turns: readonly KeptTurn[]) => void,
    clock: Clock,
  ): Promise<void> {
    const pause = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
    await pause(AFTER_MS);
    const turns: KeptTurn[] = [];
    for await (const part of reads()) {
      turns.push(...part);
      await pause(PAUSE_MS);
    }
    this.#isReading = false;
    const skipped = this.#skipped;
    if (skipped !== 'all') take(turns.filter(({ order }) => !skipped.has(order)));
    await pause(PAUSE_MS);
  }
}
