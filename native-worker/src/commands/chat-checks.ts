/**
 * How long `llmesh chat` stays after its answer so that it can be checked: only whoever asked holds the words, and nobody
 * checks those of one who has gone. Most answers are not drawn, and that is known after one draw.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { onAbort } from '@llmesh/core/base/abort';
import type { AskRequest, CheckedPart, CheckNews } from '@llmesh/core/ask/answer';

/** The mesh draws every ten seconds. */
const DRAWN_MS = 12_000;
/** Auditors that take longer are not waited for. */
const CHECKED_MS = 60_000;

export class ChatChecks {
  readonly #clock: Clock;
  /** Whether it holds what auditors would read. */
  #isSigned = false;
  #news: CheckNews | null = null;
  #changed = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For the request. */
  get ears(): Required<Pick<AskRequest, 'onSigned' | 'onChecked'>> {
    return {
      onSigned: () => {
        this.#isSigned = true;
      },
      onChecked: (news) => {
        this.#news = news;
        this.#changed();
      },
    };
  }

  /** What auditors found; null: nobody was drawn, or nobody has said anything in time. Never rejects. */
  async found(signal: AbortSignal): Promise<CheckedPart | null> {
    if (!this.#isSigned) return null;
    await this.#until(() => this.#news !== null, DRAWN_MS, signal);
    if (this.#news === null) return null;
    await this.#until(() => this.#part?.pending === 0, CHECKED_MS, signal);
    return this.#part;
  }

  get #part(): CheckedPart | null {
    return this.#news === null || this.#news.verdict === 'asked' ? null : this.#news;
  }

  /** Until it is so, the time is up or `signal` aborts. */
  #until(isSo: () => boolean, ms: number, signal: AbortSignal): Promise<void> {
    if (isSo() || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        stopTimer();
        stopAbort();
        this.#changed = () => {};
        resolve();
      };
      const stopTimer = this.#clock.after(ms, end);
      const stopAbort = onAbort(signal, end);
      this.#changed = () => {
        if (isSo()) end();
      };
    });
  }
}

/** For people. */
export function checkWords({ verdict, checks }: CheckedPart): string {
  const by = checks.length === 1 ? 'another volunteer' : `${checks.length} other volunteers`;
  switch (verdict) {
    case 'agrees':
      return `Checked by ${by}: this is what the model writes.`;
    case 'deviates':
      return `Checked by ${by}: this is NOT what the model writes. ${checks[0]?.why ?? ''}`.trimEnd();
    case 'unknown':
      return 'It was drawn to be checked, but nobody could say whether it is what the model writes.';
    default:
      return verdict satisfies never;
  }
}
