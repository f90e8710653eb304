/** How a record lies in the store: its value and the version of its shape, so that pages of two versions can stand side by side. */
import type { Entry } from '../store.ts';

export interface Shape<T> {
  key: string;
  /** Grows when pages of before would misread the value. */
  version: number;
  /** null: this cannot be read. */
  parse: (value: unknown) => T | null;
}

/** absent: never kept, or damaged. newer: a newer page keeps more than we know of. It must not be written over. */
export type Read<T> = { type: 'absent' } | { type: 'newer' } | { type: 'known'; value: T };

export function readRecord<T>({ version, parse }: Shape<T>, raw: unknown): Read<T> {
  if (typeof raw !== 'object' || raw === null || !('version' in raw) || !('value' in raw)) return { type: 'absent' };
  if (typeof raw.version === 'number' && raw.version > version) return { type: 'newer' };
  const value = parse(raw.value);
  return value === null ? { type: 'absent' } : { type: 'known', value };
}

export function recordOf<T>({ key, version }: Shape<T>, value: T): Entry {
  return [key, { version, value }];
}
