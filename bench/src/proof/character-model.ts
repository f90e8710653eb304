/** How likely each character is after the two before it, as some texts have it (add-one smoothing). */
const ALPHABET = 96;

export class CharacterModel {
  readonly #counts = new Map<string, number>();

  constructor(texts: readonly string[]) {
    for (const text of texts) {
      for (const [context, whole] of pairs(text)) {
        this.#counts.set(context, (this.#counts.get(context) ?? 0) + 1);
        this.#counts.set(whole, (this.#counts.get(whole) ?? 0) + 1);
      }
    }
  }

  /** Nats for each character. */
  surprise(text: string): number {
    let sum = 0;
    let count = 0;
    for (const [context, whole] of pairs(text)) {
      sum -= Math.log(((this.#counts.get(whole) ?? 0) + 1) / ((this.#counts.get(context) ?? 0) + ALPHABET));
      count++;
    }
    return sum / Math.max(1, count);
  }
}

/** Each character with the two before it, and those two alone. */
function* pairs(text: string): Iterable<[string, string]> {
  for (let at = 2; at < text.length; at++) yield [text.slice(at - 2, at), text.slice(at - 2, at + 1)];
}
