/** One mesh from its beginning to its end, and what is to be said of it. */
import { figuresOf, type Figures } from './figures.ts';
import { faultsAtEnd, faultsAtRest, faultsOfFairness } from './invariants.ts';
import { MINUTE_MS, World, type WorldOptions } from './world.ts';

export interface Outcome {
  seed: number;
  faults: string[];
  /** Equal for two runs of the same options. */
  trace: string;
  figures: Figures;
}

/** `passed`: hears of each minute. */
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
  // Who is cut off asks in vain, and that is nobody's fault.
  if (options.partitionsPerMinute === 0) faults.push(...faultsOfFairness(figures.fairness));
  world.trace.note(JSON.stringify(figures), ...faults);
  return { seed: options.seed, faults, trace: world.trace.digest, figures };
}
