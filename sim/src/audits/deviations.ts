/**
 * What auditors find in answers. The shares are those that small models on one engine have: honest tokens hardly ever
 * deviate and then a little, those of a smaller model every third or so and then a lot. `npm run bench -- proof` measures
 * real ones.
 */
import type { HonestNoise } from '@llmesh/core/proof/wager';
import type { SeededRandom } from '../random.ts';

/** What honest engines of this pair are calibrated to. */
export const HONEST_NOISE: HonestNoise = { mode: 'seed', mean: 0.002, telling: 0.02 };
const HONEST = { share: 0.004, least: 1, most: 80 };
const CHEATED = { share: 0.3, least: 1, most: 255 };
/** What a liar invents: enough to count as much as one answer can. */
const INVENTED = { share: 0.5, least: 200, most: 255 };

export type Finding = 'honest' | 'cheated' | 'invented';

export function deviationsIn(tokens: number, finding: Finding, random: SeededRandom): Uint8Array {
  const { share, least, most } = { honest: HONEST, cheated: CHEATED, invented: INVENTED }[finding];
  return Uint8Array.from({ length: tokens }, () =>
    random.chance(share) ? Math.floor(random.between(least, most + 1)) : 0,
  );
}
