/** The tasks that wait for a slot, in the order they came; each requester hears when it moves up. */
import type { ServedModel, Task } from './task.ts';
import type { AdapterCapacity } from '../engine/engine.ts';

export class TaskQueue {
  #tasks: Task[] = [];

  get length(): number {
    return this.#tasks.length;
  }

  [Symbol.iterator](): IterableIterator<Task> {
    return this.#tasks.values();
  }

  lengthFor(model: ServedModel): number {
    return this.#tasks.filter((task) => task.model === model).length;
  }

  join(task: Task): void {
    this.#tasks.push(task);
  }

  /** Takes the first task that may start, given those before it; null: there is none. */
  takeNext(mayStart: (task: Task, before: readonly Task[]) => boolean): Task | null {
    const next = this.#tasks.find((task, i) => mayStart(task, this.#tasks.slice(0, i)));
    if (next === undefined) return null;
    this.leave(next);
    return next;
  }

  /** False: the task is not in this queue. */
  leave(task: Task): boolean {
    const at = this.#tasks.indexOf(task);
    if (at === -1) return false;
    this.#tasks.splice(at, 1);
    return true;
  }

  /** Does nothing for a task that is not in this queue. */
  tellPosition(task: Task): void {
    const ahead = this.#tasks.filter((other) => other.model === task.model).indexOf(task) + 1;
    if (ahead > 0) task.channel.send({ kind: 'TASK_ACCEPTED', taskId: task.id, ahead });
  }

  tellPositions(): void {
    for (const task of this.#tasks) this.tellPosition(task);
  }
}

const NO_ADAPTERS: AdapterCapacity = { adapters: 0, slots: 0 };

/** Considers the tasks that run, and those earlier in the queue. */
export function mayStart(task: Task, running: readonly Task[], before: readonly Task[]): boolean {
  const ofModel = ({ model }: Task) => model === task.model;
  const beside = running.filter(ofModel);
  return beside.length < task.model.slots && fitsAdapter(task, beside, before.filter(ofModel));
}

/** A task that waits for its adapter is not overtaken for ever by tasks for the adapters in memory. */
function fitsAdapter({ adapter: wanted, model }: Task, beside: readonly Task[], before: readonly Task[]): boolean {
  if (wanted === null) return true;
  const { adapters, slots } = model.adapterCapacity ?? NO_ADAPTERS;
  const used = beside.flatMap(({ adapter }) => adapter ?? []);
  const same = used.filter((adapter) => adapter === wanted).length;
  if (before.some(({ adapter }) => adapter !== null && !used.includes(adapter))) return false;
  return same > 0 ? same < slots : new Set(used).size < adapters;
}
