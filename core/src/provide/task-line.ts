/** The tasks that wait for a slot, in the order they came; each asker hears when it moves up. */
import type { Task } from './task-run.ts';
import type { ServedModel } from './worker.ts';

export class TaskLine {
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

  /** Takes the first that may start, by itself and those before it; null: there is none. */
  takeNext(mayStart: (task: Task, before: readonly Task[]) => boolean): Task | null {
    const next = this.#tasks.find((task, i) => mayStart(task, this.#tasks.slice(0, i)));
    if (next === undefined) return null;
    this.leave(next);
    return next;
  }

  /** False: it does not stand here. */
  leave(task: Task): boolean {
    const at = this.#tasks.indexOf(task);
    if (at === -1) return false;
    this.#tasks.splice(at, 1);
    return true;
  }

  /** Does nothing for who does not stand here. */
  tellPlace(task: Task): void {
    const ahead = this.#tasks.filter((other) => other.model === task.model).indexOf(task) + 1;
    if (ahead > 0) task.channel.send({ kind: 'TASK_ACCEPTED', taskId: task.id, ahead });
  }

  tellPlaces(): void {
    for (const task of this.#tasks) this.tellPlace(task);
  }
}
