/** One value that is kept at once, before anything else happens. The adapter is `adapters/local-kept.ts`. */
export interface KeptAtOnce {
  /** null: nothing is kept. */
  read(): unknown;
  /** null: keeps nothing any more. */
  write(value: unknown): void;
}
