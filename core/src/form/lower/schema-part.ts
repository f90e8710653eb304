/** Schemas that a value must follow side by side, each with its place. */

export interface Part {
  node: Record<string, unknown>;
  at: string;
}

/** As it comes. */
export interface RawPart {
  node: unknown;
  at: string;
}

/** All of these as one schema, `level` levels down; null: no value follows them all. */
export type Lower = (parts: readonly RawPart[], level: number) => object | null;
