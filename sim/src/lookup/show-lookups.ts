/** Prints the figures of `--lookup`, and says when they are worse than they have to be. */
import { lookupFigures, type LookupMesh } from './lookup-figures.ts';

/** As the design asks: of the lookups; hops; of the victims. */
const LEAST_RIGHT = 0.99;
const MOST_HOPS = 4;
const MOST_ISOLATED = 0.01;
const WORLD = { churn: 0.2, liars: 0.1, sybils: 0.3 };

/** False: a figure is worse than it has to be. */
export async function showLookups(
  seed: number,
  { peers, lookups, progress }: Pick<LookupMesh, 'peers' | 'lookups'> & { progress?: boolean },
): Promise<boolean> {
  const figures = await lookupFigures({ seed, peers, lookups, ...WORLD }, (minute) => {
    if (progress === true) console.error(`seed ${seed}: minute ${minute} of 60`);
  });
  const faults = [];
  if (figures.right < LEAST_RIGHT * figures.lookups) faults.push('too many lookups found nothing');
  if (figures.hopsMedian > MOST_HOPS) faults.push('lookups take too many hops');
  if (figures.victimsIsolated >= MOST_ISOLATED * figures.victims) faults.push('too many peers were cut off');
  for (const fault of faults) console.error(`seed ${seed}: ${fault}`);
  console.log(JSON.stringify(figures));
  return faults.length === 0;
}
