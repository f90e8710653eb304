/** Whether a model is planned with adapters: those that somebody may bring along take nothing away from it. */
import { adapterBytes, adapterCapacityOf } from './adapters.ts';
import type { LentAdapters } from '../models/adapter-file.ts';
import { DoesNotFit, type Plan, type PlanRequest } from './context/model-plan.ts';

/** Throws what `plan` throws for what has to fit. */
export async function planWith(
  lent: LentAdapters | null,
  plan: (adapters: Pick<PlanRequest, 'adapters'>) => Promise<Plan>,
): Promise<{ layout: Plan; hasAdapters: boolean }> {
  if (lent === null) return { layout: await plan({}), hasAdapters: false };
  const adapters = { capacity: (slots: number) => adapterCapacityOf(slots, lent), bytes: adapterBytes(lent) };
  if (lent.isOptional !== true) return { layout: await plan({ adapters }), hasAdapters: true };
  const alone = await plan({});
  try {
    const both = await plan({ adapters });
    const isSame = (['gpuLayers', 'contextTokens', 'slots'] as const).every((part) => both[part] === alone[part]);
    return isSame ? { layout: both, hasAdapters: true } : { layout: alone, hasAdapters: false };
  } catch (thrown) {
    if (!(thrown instanceof DoesNotFit)) throw thrown;
    return { layout: alone, hasAdapters: false };
  }
}
