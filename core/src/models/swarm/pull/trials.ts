/**
 * Peers that have proved nothing yet. One of them can cost a fetch a single piece: a wrong one, or one that has to be asked of
 * somebody else. Identities and addresses cost their owner nothing, so what all of them may cost together is bounded, too: once
 * more pieces were wrong than FREE_WRONG and a share of those that were right, they are tried one at a time, and seldom.
 */

/** So many may be asked for their first piece at the same time. */
const MAX_AT_ONCE = 8;
/** Wrong pieces that change nothing yet, and how many right ones make up for another. */
const [FREE_WRONG, RIGHT_PER_WRONG] = [8, 16];
/** How long the next waits after that: while somebody proven sends, and while nobody does. */
const [SELDOM_MS, OFTEN_MS] = [10_000, 1_000];

export class Trials {
  #wrong = 0;
  #right = 0;
  #lastMs = -Infinity;

  /** A piece came from a peer. */
  came(right: boolean): void {
    if (right) this.#right += 1;
    else this.#wrong += 1;
  }

  /** Whether another may be asked for its first piece. `asked`: how many are; `proven`: somebody who sent right pieces may be asked. */
  allows(nowMs: number, { asked, proven }: { asked: number; proven: boolean }): boolean {
    if (this.#wrong < FREE_WRONG + this.#right / RIGHT_PER_WRONG) return asked < MAX_AT_ONCE;
    return asked === 0 && nowMs - this.#lastMs >= (proven ? SELDOM_MS : OFTEN_MS);
  }

  /** One is asked now. */
  began(nowMs: number): void {
    this.#lastMs = nowMs;
  }
}
