/** The odds of tokens whose text is still held back: they go out together with it, and not before. */
import type { TokenLogprob } from '@llmesh/core/protocol';

export class LetOut {
  #waiting: { endsAt: number; odds: readonly TokenLogprob[] }[] = [];
  #come = 0;
  #out = 0;

  came(text: string, odds: readonly TokenLogprob[]): void {
    this.#come += text.length;
    this.#waiting.push({ endsAt: this.#come, odds });
  }

  /** `text` goes out. Returns the odds of all tokens that have gone out whole since the last call. */
  wentOut(text: string): TokenLogprob[] {
    this.#out += text.length;
    const whole = this.#waiting.filter(({ endsAt }) => endsAt <= this.#out);
    this.#waiting = this.#waiting.slice(whole.length);
    return whole.flatMap(({ odds }) => odds);
  }
}
