/** Whether a provider begins an answer now, or has it wait in its line, where its asker hears of it. */
import type { Task } from '../provide/task-run.ts';

/** What a model's engine holds of adapters. */
export interface AdapterRoom {
  /** In memory at once. */
  adapters: number;
  /** Answers at once with each of them. */
  slots: number;
}

const NONE: AdapterRoom = { adapters: 0, slots: 0 };

/** By those that run, and those earlier in the line. */
export function mayStart(task: Task, running: readonly Task[], before: readonly Task[]): boolean {
  const ofModel = ({ model }: Task) => model === task.model;
  const beside = running.filter(ofModel);
  return beside.length < task.model.slots && hasAdapterRoom(task, beside, before.filter(ofModel));
}

/** An adapter that waits for another to leave the memory is not overtaken for ever by questions for those in it. */
function hasAdapterRoom({ request, model }: Task, beside: readonly Task[], before: readonly Task[]): boolean {
  const wanted = request.adapter;
  if (wanted === undefined) return true;
  const { adapters, slots } = model.adapterRoom ?? NONE;
  const used = beside.flatMap((task) => task.request.adapter ?? []);
  const same = used.filter((adapter) => adapter === wanted).length;
  if (before.some((task) => task.request.adapter !== undefined && !used.includes(task.request.adapter))) return false;
  return same > 0 ? same < slots : new Set(used).size < adapters;
}
