/** Whether this device checks answers of others while it has nothing else to do, as the volunteer chose. */
import * as v from 'valibot';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { Store } from '../store.ts';

export interface AuditChoiceNeeds {
  store: Store;
  /** Hears, for the log, that the choice could not be kept. */
  failed: (error: unknown) => void;
}

export class AuditChoice {
  readonly #record: KeptRecord<boolean>;
  /** Called when it was chosen otherwise, by any tab. */
  turned: (() => void) | null = null;

  constructor({ store, failed }: AuditChoiceNeeds) {
    this.#record = new KeptRecord({
      store,
      key: 'record/audits',
      version: 1,
      parse: parserOf(v.boolean()),
      initial: true,
      failed,
      changed: () => this.turned?.(),
    });
  }

  get on(): boolean {
    return this.#record.value;
  }

  set on(on: boolean) {
    void this.#record.change(() => on);
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }
}
