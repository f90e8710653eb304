/**
 * How long questions and answers are, for those who make test questions that look like any other. Lengths only, rounded
 * to powers of two, and only those that many answers had: nobody is recognised by the length of a question.
 */

/** Rarer lengths are not told. */
const FEWEST = 20;
/** Lengths fade, so that the table follows what people ask: all counts are halved at this sum. */
const HALVED_AT = 100_000;

export interface Length {
  /** At most this many units, and more than half of it. */
  readonly input: number;
  readonly output: number;
  /** To two digits. */
  readonly answers: number;
}

export class LengthTable {
  readonly #counts = new Map<string, number>();
  #sum = 0;

  count(inputUnits: number, units: number): void {
    const key = `${rounded(inputUnits)} ${rounded(units)}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#sum++;
    if (this.#sum < HALVED_AT) return;
    this.#sum = 0;
    for (const [name, count] of this.#counts) {
      const half = Math.floor(count / 2);
      if (half === 0) this.#counts.delete(name);
      else this.#counts.set(name, half);
      this.#sum += half;
    }
  }

  told(): Length[] {
    return [...this.#counts]
      .filter(([, count]) => count >= FEWEST)
      .map(([key, count]) => {
        const [input = 0, output = 0] = key.split(' ').map(Number);
        return { input, output, answers: Number(count.toPrecision(2)) };
      })
      .sort((a, b) => a.input - b.input || a.output - b.output);
  }
}

function rounded(units: number): number {
  return units <= 0 ? 0 : 2 ** Math.ceil(Math.log2(units));
}
