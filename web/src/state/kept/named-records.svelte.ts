/** Things that the person has given names, a record each, in all tabs of this browser. */
import * as v from 'valibot';
import { newTaskId } from '@llmesh/core/base/ids';
import { asLabel } from '@llmesh/core/base/label';
import type { Entry, Store } from '../store.ts';
import { parserOf } from './parser.ts';

/** In UTF-16 units. */
export const MOST_NAME = 60;

/** What its record holds besides its name. */
export interface NamedKind<T extends object> {
  /** Of the keys. */
  prefix: string;
  schema: v.GenericSchema<unknown, T>;
  /** More are neither kept nor shown. */
  most: number;
  /** Said when there are as many. */
  full: string;
}

export type Named<T extends object> = T & { id: string; name: string };

const AboutSchema = v.object({
  version: v.literal(1),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(MOST_NAME)),
});

export class NamedRecords<T extends object> {
  readonly #kind: NamedKind<T>;
  readonly #store: Store;
  readonly #failed: (error: unknown) => void;
  #all = $state.raw<readonly Named<T>[]>([]);
  #problem = $state<string | null>(null);

  /** `failed`: hears why something was not kept, for the console. */
  constructor(kind: NamedKind<T>, store: Store, failed: (error: unknown) => void) {
    this.#kind = kind;
    this.#store = store;
    this.#failed = failed;
    store.follow(kind.prefix, (entries, whole) => this.#take(entries, whole));
  }

  /** By name. */
  get all(): readonly Named<T>[] {
    return this.#all;
  }

  /** Why something could not be kept, for a person. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Rejects when the store does. */
  async restore(): Promise<void> {
    this.#take(await this.#store.list(this.#kind.prefix), true);
  }

  /** Keeps it under this name, in place of one that has it already. Resolves with its id; null: it is not kept. */
  async keep(name: string, value: T): Promise<string | null> {
    return this.#put(name, (kept, label) => ({ id: kept.find((one) => one.name === label)?.id ?? newTaskId(), value }));
  }

  /** Changes one that is there: another of the same name gives way. */
  async change(id: string, by: (there: Named<T>) => Named<T>): Promise<void> {
    const there = this.#all.find((one) => one.id === id);
    if (there === undefined) return;
    await this.#put(by(there).name, (kept) => {
      const now = kept.find((one) => one.id === id);
      if (now === undefined) return null;
      const { id: _, name: __, ...value } = by(now);
      return { id, value: value as unknown as T };
    });
  }

  async remove(id: string): Promise<void> {
    await this.#change(() => [[this.#kind.prefix + id, undefined]]);
  }

  /** `by`: null: there is nothing to keep. */
  async #put(
    name: string,
    by: (kept: readonly Named<T>[], label: string) => { id: string; value: T } | null,
  ): Promise<string | null> {
    const label = asLabel(name, MOST_NAME);
    if (label === '') return null;
    const { prefix, most, full } = this.#kind;
    let made: string | null = null;
    const kept = await this.#change((present) => {
      const all = this.#among([...present]);
      const put = by(all, label);
      if (put === null) return [];
      const isNew = !all.some((one) => one.id === put.id);
      if (isNew && all.length >= most) {
        this.#problem = full;
        return [];
      }
      made = put.id;
      const others = all.filter((one) => one.name === label && one.id !== put.id);
      return [
        ...others.map(({ id }): Entry => [prefix + id, undefined]),
        [prefix + put.id, { version: 1, name: label, ...put.value }],
      ];
    });
    return kept ? made : null;
  }

  async #change(by: (present: ReadonlyMap<string, unknown>) => readonly Entry[]): Promise<boolean> {
    this.#problem = null;
    try {
      this.#take(await this.#store.change({ prefixes: [this.#kind.prefix] }, by), false);
      return true;
    } catch (error) {
      this.#failed(error);
      this.#problem = 'This browser did not keep that.';
      return false;
    }
  }

  #take(entries: readonly Entry[], whole: boolean): void {
    const { prefix, most } = this.#kind;
    const told = new Set(entries.map(([key]) => key.slice(prefix.length)));
    const others = whole ? [] : this.#all.filter(({ id }) => !told.has(id));
    this.#all = [...others, ...this.#among(entries)].toSorted((a, b) => a.name.localeCompare(b.name)).slice(0, most);
  }

  /** Those that can be read. */
  #among(entries: readonly Entry[]): Named<T>[] {
    const { prefix, schema } = this.#kind;
    const [aboutOf, valueOf] = [parserOf(AboutSchema), parserOf(schema)];
    return entries.flatMap(([key, record]) => {
      const [about, value] = [aboutOf(record), valueOf(record)];
      return about === null || value === null ? [] : [{ ...value, id: key.slice(prefix.length), name: about.name }];
    });
  }
}
