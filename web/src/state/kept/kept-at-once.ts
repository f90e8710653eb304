/**
 * What is kept at once, before anything else happens, even while the page is being closed: for this tab alone, or for all of them.
 * The adapter is `adapters/web-storage.ts`.
 */
export interface KeptByKey {
  /** null: nothing is kept. */
  read(key: string): unknown;
  /** null: keeps nothing any more. False: the browser did not do it, and what was kept before still is. */
  write(key: string, value: unknown): boolean;
  /** Those that begin with `prefix`, in no order. */
  keys(prefix: string): readonly string[];
}

/** One value of those. */
export interface KeptAtOnce {
  read(): unknown;
  write(value: unknown): void;
}

export function keptUnder(key: string, all: KeptByKey): KeptAtOnce {
  return { read: () => all.read(key), write: (value) => void all.write(key, value) };
}
