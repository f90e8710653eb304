/** The shape of an attack: what it does to a fresh mesh, what it did before there was a bound, and what the bound is. */
import type { Target, TargetOptions } from './target.ts';

export interface Scene {
  target: Target;
  /** 1: the whole attack; less: what fits into a test. */
  scale: number;
}

export interface Outcome {
  held: boolean;
  /** The outcome, in a few words with figures. */
  now: string;
}

export interface Attack {
  name: string;
  /** What it did to a version without a bound. */
  before: string;
  /** The bound that holds it now. */
  bound: string;
  /** The mesh that it attacks. */
  mesh: TargetOptions;
  /** Whether it is part of `npm test`. */
  quick: boolean;
  /** Set where it takes the mesh down on purpose, so that nobody visits meanwhile. */
  alone?: true;
  run(scene: Scene): Promise<Outcome>;
}

/** All of these have to hold. */
export function outcome(facts: readonly [holds: boolean, what: string][]): Outcome {
  return {
    held: facts.every(([holds]) => holds),
    now: facts.map(([holds, what]) => (holds ? what : `NOT HELD: ${what}`)).join('; '),
  };
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** A field of a message, for the table. */
export function inWords(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
}
