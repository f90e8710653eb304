/** One record that all tabs of this browser share: changed by operations on what is kept, and followed live. */
import type { Store } from '../store.ts';
import { readRecord, recordOf, type Shape } from './record-shape.ts';

/** `T`: what JSON can say. */
export interface KeptRecordNeeds<T> extends Shape<T> {
  store: Store;
  /** The value before anything was kept. */
  initial: T;
  /** What pages kept before there were records; it moves into the record, once. */
  old?: OldPlace<T>;
  /** Hears, for the log, that the value could not be read or kept. */
  failed: (error: unknown) => void;
  /** Somebody changed it, here or in another tab. */
  changed?: (value: T) => void;
}

export interface OldPlace<T> {
  /** Its key in the store; null: it is elsewhere. */
  key: string | null;
  /** `raw`: what stands under `key`. null: there is nothing. */
  read: (raw: unknown) => T | null;
  /** Called when its value is in the record. */
  forget?: () => void;
}

export class KeptRecord<T> {
  readonly #needs: KeptRecordNeeds<T>;
  /** As it was last read or written. */
  #kept: T;
  /** The changes of this tab that are not kept yet. */
  #pending: readonly ((value: T) => T)[] = [];
  #value: T;
  #known = false;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;
  /** What another tab changed was told since our own change was carried out: it includes ours. */
  #told = false;

  constructor(needs: KeptRecordNeeds<T>) {
    this.#needs = needs;
    this.#kept = needs.initial;
    this.#value = $state.raw(needs.initial);
    needs.store.follow(needs.key, (entries) => {
      for (const [key, raw] of entries) if (key === needs.key) this.#take(raw);
      this.#told = true;
    });
  }

  /** With what this tab changed, whether or not it is kept yet. */
  get value(): T {
    return this.#value;
  }

  /** The store was read: `value` is what is kept, or nothing was kept. */
  get known(): boolean {
    return this.#known;
  }

  /**
   * Shown at once. `edit` is pure: it is applied to what is kept by then, which another tab may have changed. Resolves when that
   * is kept, with whether it is.
   */
  async change(edit: (value: T) => T): Promise<boolean> {
    this.#pending = [...this.#pending, edit];
    this.#show();
    // At once: whoever chooses something may close the page right away.
    const written = this.#busy ? this.#writing.then(() => this.#write()) : this.#write();
    this.#writing = written;
    await written;
    return !this.#pending.includes(edit);
  }

  /** Reads what is kept. Never rejects: `known` says whether it could be read. */
  async restore(): Promise<void> {
    const { store, key, old, failed } = this.#needs;
    try {
      const raw = await store.get(key);
      this.#known = true;
      if (raw === undefined && old !== undefined) await this.#move(old);
      else this.#take(raw);
    } catch (error) {
      failed(error);
    }
  }

  /** Resolves when all changes so far are kept, or cannot be. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { store, key, failed } = this.#needs;
    const edits = this.#pending;
    if (edits.length === 0) return;
    let after: T | null = null;
    this.#busy = true;
    try {
      await store.change({ keys: [key] }, (present) => {
        const read = readRecord(this.#needs, present.get(key));
        this.#told = false;
        if (read.type === 'newer') return [];
        const value = applied(edits, read.type === 'known' ? read.value : this.#kept);
        after = value;
        return [recordOf(this.#needs, value)];
      });
      this.#pending = this.#pending.filter((edit) => !edits.includes(edit));
      // A newer page has the last word: here the change lasts until this page is closed.
      if (after === null) this.#kept = applied(edits, this.#kept);
      else if (!this.#told) this.#kept = after;
      this.#show();
    } catch (error) {
      // It stays in this tab, and is kept along with the next change.
      failed(error);
    } finally {
      this.#busy = false;
    }
  }

  async #move({ key: oldKey, read, forget }: OldPlace<T>): Promise<void> {
    const { store, key } = this.#needs;
    const value = read(oldKey === null ? undefined : await store.get(oldKey));
    if (value === null) return;
    this.#kept = value;
    this.#show();
    const keys = oldKey === null ? [key] : [key, oldKey];
    await store.change({ keys }, (present) => {
      const gone = oldKey === null ? [] : [[oldKey, undefined] as const];
      // Another tab may have been quicker.
      return present.has(key) ? gone : [recordOf(this.#needs, value), ...gone];
    });
    forget?.();
    this.#take(await store.get(key));
  }

  #take(raw: unknown): void {
    const read = readRecord(this.#needs, raw);
    if (read.type !== 'known') return;
    this.#kept = read.value;
    this.#show();
  }

  #show(): void {
    const value = applied(this.#pending, this.#kept);
    if (JSON.stringify(value) === JSON.stringify(this.#value)) return;
    this.#value = value;
    this.#needs.changed?.(value);
  }
}

function applied<T>(edits: readonly ((value: T) => T)[], value: T): T {
  return edits.reduce((before, edit) => edit(before), value);
}
