/** Two pasts of one ledger, each signed by it: kept as evidence, and shown until somebody has looked into it. */
import * as v from 'valibot';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { Store } from '../store.ts';

/** One is enough to show that a log lies. */
const MAX_FORKS = 4;
const MAX_NOTE_CHARS = 131_072;

const note = v.pipe(v.string(), v.maxLength(MAX_NOTE_CHARS));
const ForkSchema = v.object({ origin: note, seen: note, shown: note });
export type KeptFork = v.InferOutput<typeof ForkSchema>;

export class ForkAlarm {
  readonly #record: KeptRecord<readonly KeptFork[]>;

  constructor({ store, failed }: { store: Store; failed: (error: unknown) => void }) {
    this.#record = new KeptRecord<readonly KeptFork[]>({
      store,
      key: 'record/forks',
      version: 1,
      parse: parserOf(v.pipe(v.array(ForkSchema), v.maxLength(MAX_FORKS))),
      initial: [],
      failed,
    });
  }

  get forks(): readonly KeptFork[] {
    return this.#record.value;
  }

  take({ origin, seen, shown }: KeptFork): void {
    // The first ones stay: the log cannot drown them in others.
    void this.#record.change((forks) =>
      forks.length >= MAX_FORKS || forks.some((one) => one.shown === shown && one.seen === seen)
        ? forks
        : [...forks, { origin, seen, shown }],
    );
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }
}
