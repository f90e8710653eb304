/** What the page says about models that are kept for others. */
import { plural } from '../../../language/plural.ts';
import { KEEP_LIMITS, type ForOthers, type KeepLimit } from '../../../state/donate/sharing/for-others.svelte.ts';
import { bytes } from '../../parts/format.ts';

export const KEEP_CHOICES: readonly { choice: KeepLimit; name: string }[] = (
  Object.keys(KEEP_LIMITS) as KeepLimit[]
).map((choice) => ({ choice, name: bytes(KEEP_LIMITS[choice]) }));

type Told = Pick<ForOthers, 'on' | 'removing' | 'elsewhere' | 'kept' | 'roomBytes' | 'limit'>;

export function keptForOthersWords({ on, removing, elsewhere, kept, roomBytes, limit }: Told): string {
  const there = kept.models === 0 ? '' : `${plural(kept.models, ['One model', '# models'])}, ${bytes(kept.bytes)}.`;
  if (removing) return `Removing. ${there}`.trim();
  if (!on) return `Kept for others before: ${there}`;
  if (elsewhere) return `Another tab of this browser keeps them. ${there}`.trim();
  const short = roomBytes < KEEP_LIMITS[limit] ? ` There is room for ${bytes(roomBytes)} here now.` : '';
  return `${there === '' ? 'None so far: the mesh asks when it needs copies.' : there}${short}`;
}
