/** Simulates one mesh from beginning to end, and reports on it. */
import { figuresOf, type Figures } from './figures.ts';
import { faultsAtEnd, faultsAtRest, faultsOfFairness } from './invariants.ts';
import { MINUTE_MS, World, type WorldOptions } from './world.ts';

export interface Outcome {
  seed: number;
  faults: string[];
  /** The digest, which is equal for two runs with the same options. */
  trace: string;
  figures: Figures;
}

/** `passed`: called after each minute. */
export async function simulate(
  options: WorldOptions,
  minutes: number,
  passed: ((minute: number) => void) | null = null,
): Promise<Outcome> {
  const world = new World(options);
  const faults: string[] = [];
  // Notes the rejection of any promise that nobody waits for.
  const unhandled = (reason: unknown) => faults.push(`nobody took notice of ${String(reason)}`);
  process.on('unhandledRejection', unhandled);
  try {
    await world.begin();
    for (let minute = 1; minute <= minutes; minute++) {
      await world.clock.run(MINUTE_MS);
      passed?.(minute);
    }
    await world.quieten();
    faults.push(...faultsAtRest(world));
    faults.push(...faultsAtEnd(world, await world.dismantle()));
  } finally {
    process.off('unhandledRejection', unhandled);
  }
  const figures = figuresOf(world.questions, world.work, world.alike);
  // A peer that is cut off asks in vain, which is nobody's fault.
  if (options.partitionsPerMinute === 0) faults.push(...faultsOfFairness(figures.fairness));
  world.trace.note(JSON.stringify(figures), ...faults);
  return { seed: options.seed, faults, trace: world.trace.digest, figures };
}
