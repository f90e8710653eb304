/** With which adapter of their own the visitor asks each model. */
import * as v from 'valibot';
import { isContentId, type ContentId } from '@llmesh/core/base/ids';
import { KeptRecord } from '../../kept/kept-record.svelte.ts';
import { parserOf } from '../../kept/parser.ts';
import type { Store } from '../../store.ts';

/** An adapter as a question names it. The file is given under its content id, and known by its SHA-256. */
export const AskedAdapterSchema = v.object({
  content: v.custom<ContentId>(isContentId),
  /** A content id is a SHA-256, too. */
  sha256: v.custom<string>(isContentId),
  name: v.string(),
  sizeBytes: v.number(),
});
export type AskedAdapter = v.InferOutput<typeof AskedAdapterSchema>;

const Chosen = v.array(v.object({ model: v.string(), adapter: AskedAdapterSchema }));
export type Chosen = v.InferOutput<typeof Chosen>;

export class AdapterChoice {
  readonly #record: KeptRecord<Chosen>;

  constructor({ store, failed }: { store: Store; failed: (error: unknown) => void }) {
    this.#record = new KeptRecord<Chosen>({
      ...{ store, failed, key: 'record/adapters', version: 1, parse: parserOf(Chosen), initial: [] },
    });
  }

  /** `model`: the name of its offer. Null: it is asked as it is. */
  of(model: string): AskedAdapter | null {
    return this.#record.value.find((one) => one.model === model)?.adapter ?? null;
  }

  /** `edit`: from what is chosen to what is chosen from now on. See `chosenWith` and `chosenWithout`. */
  change(edit: (chosen: Chosen) => Chosen): void {
    void this.#record.change(edit);
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }
}
