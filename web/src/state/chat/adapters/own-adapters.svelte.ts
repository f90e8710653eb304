/** The adapters that the visitor keeps in this browser, and one that is on its way in. A part of its own: few people need it. */
import * as v from 'valibot';
import { asMeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { loraMisfit } from '@llmesh/core/gguf/lora';
import type { AdapterBase, Offer } from '@llmesh/core/wire/model-advert';
import type { Store } from '../../store.ts';
import { AskedAdapterSchema, type AskedAdapter, type Chosen } from './adapter-choice.svelte.ts';

/** As many as somebody can tell apart. */
export const MAX_OWN = 12;
const KEYS = 'adapter/';
/** Who uses more models than this forgets the first. */
const MAX_CHOSEN = 32;

const KeptAdapterSchema = v.object({
  ...AskedAdapterSchema.entries,
  version: v.literal(1),
  lora: v.object({
    name: v.string(),
    architecture: v.string(),
    rank: v.number(),
    width: v.nullable(v.number()),
    layers: v.number(),
  }),
});
export type KeptAdapter = v.InferOutput<typeof KeptAdapterSchema>;

/** Where the files lie. */
export interface AdapterShelf {
  /**
   * Checks that the file is an adapter, and keeps it under its content id; `onProgress` gets shares from 0 to 1. Rejects with
   * model_unreadable in words for people, storage_full, busy or unsupported.
   */
  keep(file: File, onProgress: (share: number) => void): Promise<KeptAdapter>;
  /** Rejects with busy while a question has it. */
  remove(content: ContentId): Promise<void>;
}

export interface OwnAdaptersNeeds {
  store: Store;
  shelf: AdapterShelf;
  /** It is not here any more, so nothing is asked with it. */
  gone: (content: ContentId) => void;
  failed: (error: unknown) => void;
}

export class OwnAdapters {
  readonly #needs: OwnAdaptersNeeds;
  #list = $state.raw<readonly KeptAdapter[]>([]);
  #share = $state<number | null>(null);
  #trouble = $state<string | null>(null);

  constructor(needs: OwnAdaptersNeeds) {
    this.#needs = needs;
    needs.store.follow(KEYS, () => void this.restore());
  }

  get list(): readonly KeptAdapter[] {
    return this.#list;
  }

  /** How much of a file has been looked at and kept, from 0 to 1; null: none is on its way. */
  get share(): number | null {
    return this.#share;
  }

  /** Why the last file was not kept, or not removed. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Never rejects. */
  async restore(): Promise<void> {
    try {
      const entries = await this.#needs.store.list(KEYS);
      this.#list = entries.flatMap(([, value]) => {
        const read = v.safeParse(KeptAdapterSchema, value);
        return read.success ? [read.output] : [];
      });
    } catch (error) {
      this.#needs.failed(error);
    }
  }

  /** Looks at a file, and keeps it. Null: it is not kept, and `trouble` says why. Never rejects. */
  async add(file: File): Promise<KeptAdapter | null> {
    if (this.#share !== null) return null;
    this.#trouble = null;
    if (this.#list.length >= MAX_OWN) {
      this.#trouble = `You keep ${MAX_OWN} adapters already. Remove one first.`;
      return null;
    }
    this.#share = 0;
    const { store, shelf } = this.#needs;
    try {
      const kept = await shelf.keep(file, (share) => (this.#share = share));
      await store.set([[KEYS + kept.content, kept]]);
      await this.restore();
      return kept;
    } catch (thrown) {
      this.#fail(thrown, 'This file could not be kept. Try again, or reload the page.');
      return null;
    } finally {
      this.#share = null;
    }
  }

  /** Never rejects. */
  async remove({ content }: KeptAdapter): Promise<void> {
    this.#trouble = null;
    const { store, shelf, gone } = this.#needs;
    try {
      await shelf.remove(content);
      gone(content);
      await store.delete([KEYS + content]);
      await this.restore();
    } catch (thrown) {
      this.#fail(thrown, 'This adapter could not be removed. Reload the page, and try again.');
    }
  }

  #fail(thrown: unknown, otherwise: string): void {
    const error = asMeshError(thrown, 'storage_full', otherwise);
    this.#trouble =
      error.code === 'busy'
        ? 'A question is being answered with it. Stop that first, here or in another tab.'
        : error.message;
    this.#needs.failed(thrown);
  }
}

/** `adapter`: null: from now on the model is asked as it is. */
export function chosenWith(model: string, adapter: AskedAdapter | null): (chosen: Chosen) => Chosen {
  return (chosen) => {
    const others = chosen.filter((one) => one.model !== model);
    return adapter === null ? others : [...others, { model, adapter }].slice(-MAX_CHOSEN);
  };
}

/** It is not here any more. */
export function chosenWithout(content: ContentId): (chosen: Chosen) => Chosen {
  return (chosen) => chosen.filter(({ adapter }) => adapter.content !== content);
}

/** Why this model is not asked with this adapter, in a few words; null: it can be. */
export function whyNot({ lora }: Pick<KeptAdapter, 'lora'>, offer: Pick<Offer, 'takesAdapters'> | null): string | null {
  const base: AdapterBase | undefined = offer?.takesAdapters;
  if (base === undefined) return 'Nobody takes adapters for this model now.';
  const misfit = loraMisfit(lora, base);
  return misfit === null ? null : `It ${misfit}`;
}
