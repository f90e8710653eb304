/** The last answers that this device gave: how long, how fast, how they ended. Never what they said. Kept here and told to nobody. */
import { isModelId, isPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import type { AnswerGiven } from '@llmesh/core/provide/worker-status';
import * as v from 'valibot';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { Store } from '../store.ts';

const MOST = 50;
const amount = v.pipe(v.number(), v.minValue(0));
const parse = parserOf(
  v.pipe(
    v.array(
      v.object({
        atMs: amount,
        peer: v.custom<PeerId>(isPeerId),
        model: v.custom<ModelId>(isModelId),
        tokens: amount,
        ms: amount,
        ended: v.picklist(['whole', 'stopped', 'failed']),
      }),
    ),
    v.maxLength(MOST),
    v.readonly(),
  ),
);

export interface GivenAt extends AnswerGiven {
  /** When it ended, in milliseconds since 1970. */
  atMs: number;
}

export interface AnswersGivenNeeds {
  store: Store;
  /** Hears, for the log, that it could not be kept. */
  failed: (error: unknown) => void;
}

export class AnswersGiven {
  readonly #record: KeptRecord<readonly GivenAt[]>;

  constructor({ store, failed }: AnswersGivenNeeds) {
    this.#record = new KeptRecord({ store, key: 'record/answers-given', version: 1, parse, initial: [], failed });
  }

  /** At most fifty, the last first, of all tabs. */
  get list(): readonly GivenAt[] {
    return this.#record.value;
  }

  add(given: GivenAt): void {
    void this.#record.change((list) => [given, ...list].slice(0, MOST));
  }

  /** The person wants none of it kept. */
  forget(): void {
    void this.#record.change(() => []);
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }
}
