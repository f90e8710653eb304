/** Whether a provider begins an answer with an adapter now, or has it wait in its line: there its asker hears of it. */
import type { Task } from './task-run.ts';

/** What a model's engine holds of adapters. */
export interface AdapterRoom {
  /** In memory at once. */
  adapters: number;
  /** Answers at once with each of them. */
  slots: number;
}

/**
 * `running`: of its model. `before`: of its model, earlier in the line. An adapter that waits for one to leave the memory
 * is not overtaken for ever by questions for those which are there.
 */
export function hasAdapterRoom({ request, model }: Task, running: readonly Task[], before: readonly Task[]): boolean {
  const wanted = request.adapter;
  if (wanted === undefined) return true;
  const { adapters, slots } = model.adapterRoom ?? { adapters: 0, slots: 0 };
  const used = running.flatMap((task) => task.request.adapter ?? []);
  const same = used.filter((adapter) => adapter === wanted).length;
  if (before.some((task) => task.request.adapter !== undefined && !used.includes(task.request.adapter))) return false;
  return same > 0 ? same < slots : new Set(used).size < adapters;
}
