/** What each token of one answer is drawn with. */
import { seededDraws, SeedRow } from '@llmesh/core/proof/seeds';
import type { GenerateRequest } from '@llmesh/core/engine/engine';

const DRAWS_BYTES = 32;

export class AnswerDraws {
  readonly #row: SeedRow;
  readonly #first: number;
  readonly #written: readonly unknown[];

  /** `written` grows with the answer; when it is empty, the next token has the position `first` of the whole answer. */
  constructor(draws: Uint8Array, first: number, written: readonly unknown[]) {
    this.#row = new SeedRow(draws);
    this.#first = first;
    this.#written = written;
  }

  /** The seed of the next token, or of the one so many behind it. */
  readonly seed = (ahead = 0): number => this.#row.at(this.#first + this.#written.length + ahead);
}

/** Others repeat these; without a wish nobody can. */
export function drawsFor({ draws, sampling: { seed } }: Pick<GenerateRequest, 'draws' | 'sampling'>): Uint8Array {
  if (draws !== undefined) return draws;
  return seed === undefined ? crypto.getRandomValues(new Uint8Array(DRAWS_BYTES)) : seededDraws(seed);
}
