/** How much each model can hold at once, and how our estimate of its tokens has to be scaled: learned from what providers count. */
import { SvelteMap } from 'svelte/reactivity';
import type { LocalModels } from '../../device/local-models.svelte.ts';
import { askedName, type Offers } from '../../offers.svelte.ts';
import type { Scope } from '../../scope.ts';
import type { AskedModel } from '../turn.ts';
import type { Memory } from './window.ts';

/** No vocabulary is so far from our estimate: a provider that says so miscounts, and is not believed. */
const SCALES = { least: 0.5, most: 4 };
/** Of a short text the template is most. */
const LEAST_TO_LEARN_FROM = 200;
/** A model that found too long what we sent has at least so many tokens more than we thought. */
const RAISE = 1.4;

export interface ModelMemoriesNeeds {
  offers: Pick<Offers, 'find'>;
  local: Pick<LocalModels, 'find'>;
}

export class ModelMemories {
  readonly #needs: ModelMemoriesNeeds;
  readonly #scales = new SvelteMap<string, number>();

  constructor(needs: ModelMemoriesNeeds) {
    this.#needs = needs;
  }

  of(model: Pick<AskedModel, 'id' | 'sha256'> | null, scope: Scope): Memory {
    if (model === null) return { contextTokens: null, scale: 1 };
    const { offers, local } = this.#needs;
    const found = scope === 'device' ? local.find(model.id) : offers.find(askedName(model));
    return { contextTokens: found?.contextTokens ?? null, scale: this.#scales.get(model.id) ?? 1 };
  }

  /** `estimated`: by us, unscaled; `counted`: by a provider. */
  learn(model: string, estimated: number, counted: number): void {
    const scale = counted / estimated;
    if (estimated < LEAST_TO_LEARN_FROM || !(scale >= SCALES.least && scale <= SCALES.most)) return;
    this.#scales.set(model, scale);
  }

  /** What was sent by our estimate was too long. */
  raise(model: string): void {
    this.#scales.set(model, Math.min(SCALES.most, (this.#scales.get(model) ?? 1) * RAISE));
  }
}
