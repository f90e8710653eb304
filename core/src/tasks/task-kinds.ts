/** The kinds of task that a peer knows. */
import type { TaskName } from '../base/ids.ts';
import { chat } from './chat.ts';
import { completion } from './completion.ts';
import { embedding } from './embedding.ts';
import type { TaskKind } from './task-kind.ts';

const BUILT_IN: readonly TaskKind[] = [chat, completion, embedding];

export class TaskKinds {
  readonly #kinds = new Map<TaskName, TaskKind>();

  /** `more`: kinds beside our own. A name that is used twice is an error of the program. */
  constructor(more: readonly TaskKind[] = []) {
    for (const kind of [...BUILT_IN, ...more]) {
      if (this.#kinds.has(kind.name)) throw new Error(`two kinds of task are called ${kind.name}`);
      this.#kinds.set(kind.name, kind);
    }
  }

  find(name: TaskName): TaskKind | null {
    return this.#kinds.get(name) ?? null;
  }
}
