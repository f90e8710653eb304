/** Models that the visitor brought from their disk. They answer on this device only, and nobody else is told of them. */
import { asMeshError } from '@llmesh/core/base/errors';
import type { ContentId, ModelId } from '@llmesh/core/base/ids';
import { GgufModelSchema, type GgufModel } from '@llmesh/core/policy/catalogue';
import * as v from 'valibot';
import { KeptRecord } from '../kept/kept-record.svelte.ts';
import { parserOf } from '../kept/parser.ts';
import type { Store } from '../store.ts';
import { ownModelId } from './own-id.ts';

/** As many as somebody can tell apart. */
export const MAX_OWN = 24;

const KeptSchema = v.pipe(v.array(GgufModelSchema), v.maxLength(MAX_OWN));

/** What the head of a file says. */
export type OwnModelFacts = Pick<
  GgufModel,
  'name' | 'quant' | 'parameters' | 'sizeBytes' | 'memoryBytes' | 'contextTokens'
> & { content: ContentId; sha256: string };

/** Where the files lie. */
export interface OwnModelShelf {
  /**
   * Looks at the file, and keeps it under its content id; `onProgress` gets shares from 0 to 1. Rejects with model_unreadable in
   * words for people, storage_full, busy or unsupported.
   */
  keep(file: File, onProgress: (share: number) => void): Promise<OwnModelFacts>;
}

export interface OwnModelsNeeds {
  store: Store;
  shelf: OwnModelShelf;
  failed: (error: unknown) => void;
}

export class OwnModels {
  readonly #needs: OwnModelsNeeds;
  readonly #record: KeptRecord<readonly GgufModel[]>;
  #restored: Promise<void> | null = null;
  #share = $state<number | null>(null);
  #trouble = $state<string | null>(null);

  constructor(needs: OwnModelsNeeds) {
    this.#needs = needs;
    this.#record = new KeptRecord<readonly GgufModel[]>({
      ...{ store: needs.store, failed: needs.failed, key: 'record/own-models', version: 1, initial: [] },
      parse: parserOf(KeptSchema),
    });
  }

  get list(): readonly GgufModel[] {
    return this.#record.value;
  }

  /** How much of a file has been looked at and kept, from 0 to 1; null: none is on its way. */
  get share(): number | null {
    return this.#share;
  }

  /** Why the last file was not kept. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Reads them once. Never rejects. */
  restore(): Promise<void> {
    return (this.#restored ??= this.#record.restore());
  }

  /** Looks at a file, and keeps it. Null: it is not kept, and `trouble` says why. Never rejects. */
  async add(file: File): Promise<GgufModel | null> {
    if (this.#share !== null) return null;
    this.#trouble = null;
    if (this.list.length >= MAX_OWN) {
      this.#trouble = `You keep ${MAX_OWN} models of your own already. Remove one first.`;
      return null;
    }
    this.#share = 0;
    try {
      const model = modelOf(await this.#needs.shelf.keep(file, (share) => (this.#share = share)));
      const kept = await this.#record.change((list) =>
        [...list.filter(({ id }) => id !== model.id), model].slice(-MAX_OWN),
      );
      if (!kept)
        this.#trouble = 'This browser could not write down that it has this model. Reload the page and try again.';
      return kept ? model : null;
    } catch (thrown) {
      const otherwise = 'This file could not be kept. Try again, or reload the page.';
      this.#trouble = asMeshError(thrown, 'storage_full', otherwise).message;
      this.#needs.failed(thrown);
      return null;
    } finally {
      this.#share = null;
    }
  }

  /** Its file is gone. */
  forget(id: ModelId): void {
    void this.#record.change((list) => list.filter((model) => model.id !== id));
  }
}

function modelOf(facts: OwnModelFacts): GgufModel {
  return {
    ...facts,
    format: 'gguf',
    id: ownModelId(facts.sha256),
    summary: 'Your own file. It runs on this device only, and is never lent.',
    licence: '',
    // There is none.
    page: 'about:blank',
    source: `own:${facts.sha256}`,
  };
}
