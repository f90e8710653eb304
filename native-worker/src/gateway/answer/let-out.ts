/** The odds of tokens whose text is on its way: they are let out with it, and not before. */
import type { TokenLogprob } from '@llmesh/core/protocol';

export class LetOut {
  #waiting: { endsAt: number; odds: readonly TokenLogprob[] }[] = [];
  #come = 0;
  #out = 0;

  came(text: string, odds: readonly TokenLogprob[]): void {
    this.#come += text.length;
    this.#waiting.push({ endsAt: this.#come, odds });
  }

  /** `text` goes out: the odds of all the tokens that have gone out whole since the last time. */
  wentOut(text: string): TokenLogprob[] {
    this.#out += text.length;
    const whole = this.#waiting.filter(({ endsAt }) => endsAt <= this.#out);
    this.#waiting = this.#waiting.slice(whole.length);
    return whole.flatMap(({ odds }) => odds);
  }
}
