/**
 * Folders of conversations, in all tabs of this browser. Which folder one lies in is a record of its own: whoever deletes a folder
 * changes no conversation.
 */
import * as v from 'valibot';
import { SvelteMap } from 'svelte/reactivity';
import { NamedRecords, type Named, type NamedKind } from '../../kept/named-records.svelte.ts';
import { parserOf } from '../../kept/parser.ts';
import type { Entry, Store } from '../../store.ts';

interface FolderValue {
  /** Its conversations are not listed. */
  folded: boolean;
}

const MOST = 100;

export const FOLDERS: NamedKind<FolderValue> = {
  prefix: 'folder/',
  schema: v.object({ folded: v.boolean() }),
  most: MOST,
  full: `There are ${MOST} folders already. Delete one first.`,
};
const FILED = 'filed/';

export type Folder = Named<FolderValue>;

const filedFrom = parserOf(v.object({ version: v.literal(1), folder: v.string() }));

export interface FoldersNeeds {
  store: Store;
  /** Whether there is a conversation of this id. */
  isKept: (talk: string) => boolean;
  failed: (error: unknown) => void;
}

export class Folders {
  readonly #needs: FoldersNeeds;
  readonly #records: NamedRecords<FolderValue>;
  /** The folder of each conversation that lies in one. */
  readonly #filed = new SvelteMap<string, string>();

  constructor(needs: FoldersNeeds) {
    this.#needs = needs;
    this.#records = new NamedRecords(FOLDERS, needs.store, needs.failed);
    needs.store.follow(FILED, (entries, whole) => this.#take(entries, whole));
  }

  /** By name. */
  get all(): readonly Folder[] {
    return this.#records.all;
  }

  get problem(): string | null {
    return this.#records.problem;
  }

  /** Rejects when the store does. */
  async restore(): Promise<void> {
    const { store, isKept } = this.#needs;
    await this.#records.restore();
    const entries = await store.list(FILED);
    const gone = entries.map(([key]) => key).filter((key) => !isKept(key.slice(FILED.length)));
    if (gone.length > 0) await store.delete(gone);
    this.#take(
      entries.filter(([key]) => !gone.includes(key)),
      true,
    );
  }

  /** null: it lies in none. */
  of(talk: string): Folder | null {
    const folder = this.#filed.get(talk);
    return this.all.find(({ id }) => id === folder) ?? null;
  }

  /** Makes one, or finds the one of this name. Resolves with its id; null: it was not kept. */
  async make(name: string): Promise<string | null> {
    const there = this.all.find((one) => one.name === name.trim());
    return there === undefined ? this.#records.keep(name, { folded: false }) : there.id;
  }

  /** Where another has this name already, the conversations of both lie in this one. */
  async rename(id: string, name: string): Promise<void> {
    const other = this.all.find((one) => one.name === name.trim() && one.id !== id);
    if (other !== undefined) for (const talk of this.#talksIn(other.id)) await this.move(talk, id);
    await this.#records.change(id, (there) => ({ ...there, name }));
  }

  async fold(id: string, folded: boolean): Promise<void> {
    await this.#records.change(id, (there) => ({ ...there, folded }));
  }

  /** Its conversations stay, and lie in no folder. */
  async remove(id: string): Promise<void> {
    const talks = this.#talksIn(id);
    await this.#records.remove(id);
    for (const talk of talks) await this.move(talk, null);
  }

  /** null: into no folder. */
  async move(talk: string, folder: string | null): Promise<void> {
    const { store, failed } = this.#needs;
    const entry: Entry = [FILED + talk, folder === null ? undefined : { version: 1, folder }];
    this.#take([entry], false);
    try {
      await store.set([entry]);
    } catch (error) {
      failed(error);
    }
  }

  #talksIn(folder: string): string[] {
    return [...this.#filed].filter(([, id]) => id === folder).map(([talk]) => talk);
  }

  #take(entries: readonly Entry[], whole: boolean): void {
    if (whole) this.#filed.clear();
    for (const [key, value] of entries) {
      const folder = filedFrom(value)?.folder;
      const talk = key.slice(FILED.length);
      if (folder === undefined) this.#filed.delete(talk);
      else this.#filed.set(talk, folder);
    }
  }
}
