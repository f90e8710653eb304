/** The tasks that wait for a slot, in the order they came; each requester hears when it moves up. */
import { sendAccepted, type ServedModel, type Task } from './task.ts';
import type { AdapterCapacity } from '../engine/engine.ts';

export class TaskQueue {
  #tasks: Task[] = [];

  /** Without those in the background. */
  get length(): number {
    return this.#tasks.filter((task) => !isBackground(task)).length;
  }

  [Symbol.iterator](): IterableIterator<Task> {
    return this.#tasks.values();
  }

  /** The tasks that wait for this model, in the background or not. */
  lengthFor(model: ServedModel, background = false): number {
    return this.#tasks.filter((task) => task.model === model && isBackground(task) === background).length;
  }

  join(task: Task): void {
    this.#tasks.push(task);
  }

  /** Takes the first task that may start, given all that wait; null: there is none. */
  takeNext(mayStart: (task: Task, waiting: readonly Task[]) => boolean): Task | null {
    const next = this.#tasks.find((task) => mayStart(task, this.#tasks));
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
    const before = (other: Task) => isBackground(task) || !isBackground(other);
    const ahead = this.#tasks.filter((other) => other.model === task.model && before(other)).indexOf(task) + 1;
    if (ahead > 0) sendAccepted(task, ahead);
  }

  tellPositions(): void {
    for (const task of this.#tasks) this.tellPosition(task);
  }
}

const NO_ADAPTERS: AdapterCapacity = { adapters: 0, slots: 0 };

/** Considers the tasks that run, and those that wait. */
export function mayStart(task: Task, running: readonly Task[], waiting: readonly Task[]): boolean {
  const ofModel = ({ model }: Task) => model === task.model;
  const beside = running.filter(ofModel);
  const answers = beside.filter((other) => !isBackground(other));
  if (task.coming || answers.length >= task.model.slots) return false;
  // The engine lets answers go first: one in the background takes no slot, and more than one would only share its time.
  if (isBackground(task)) return answers.length === beside.length && waiting.filter(ofModel).every(isBackground);
  // What is still on its way holds nobody up.
  const before = waiting.slice(0, waiting.indexOf(task)).filter((other) => !other.coming);
  return fitsAdapter(task, answers, before.filter(ofModel));
}

export function isBackground({ kind }: Pick<Task, 'kind'>): boolean {
  return kind.background === true;
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
