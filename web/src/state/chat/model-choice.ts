/** Which model the next question goes to, within each scope. */
import type { ModelId } from '@llmesh/core/base/ids';
import type { LocalModels } from '../device/local-models.svelte.ts';
import { asked, askedName, type Offers } from '../offers.svelte.ts';
import type { Scope } from '../scope.ts';
import type { TrustedLending } from '../trust/trusted-lending.svelte.ts';
import type { AdapterChoice } from './adapters/adapter-choice.svelte.ts';
import type { AskedModel } from './turn.ts';

export interface ModelChoiceNeeds {
  offers: Offers;
  local: LocalModels;
  lending: TrustedLending;
  /** Left out: models are asked as they are. */
  adapters?: AdapterChoice;
}

export class ModelChoice {
  readonly #needs: ModelChoiceNeeds;

  constructor(needs: ModelChoiceNeeds) {
    this.#needs = needs;
  }

  /** null while there is none to ask. With the adapter that was chosen for it, which only volunteers answer with. */
  chosenFor(scope: Scope): AskedModel | null {
    const model = this.#modelFor(scope);
    const adapter = model === null || scope === 'device' ? null : (this.#needs.adapters?.of(askedName(model)) ?? null);
    return model === null || adapter === null ? model : { ...model, adapter };
  }

  #modelFor(scope: Scope): AskedModel | null {
    const { offers, local, lending } = this.#needs;
    switch (scope) {
      case 'device':
        return local.chosen && asked(local.chosen);
      case 'trusted': {
        const chosen = offers.chosen;
        // A visitor who left the choice to the page gets a model that somebody they trust has.
        const theirs = offers.left ? offers.all.find(({ id }) => (lending.countOf(id) ?? 0) > 0) : undefined;
        return theirs === undefined ? chosen && asked(chosen) : asked(theirs);
      }
      case 'anyone':
        return offers.chosenModel;
      default:
        return scope satisfies never;
    }
  }

  /** Another model that would start now, within the same scope. */
  otherFor(scope: Scope, model: ModelId | null): AskedModel | null {
    const { offers, local, lending } = this.#needs;
    switch (scope) {
      case 'device': {
        const others = local.choices.map((choice) => choice.model).filter(({ id }) => id !== model);
        // A model in memory starts at once; else the smallest: the one asked for may have been too large here.
        const other =
          others.find(({ id }) => id === local.inMemory?.id) ?? others.toSorted((a, b) => a.sizeBytes - b.sizeBytes)[0];
        return other === undefined ? null : asked(other);
      }
      case 'trusted': {
        const other = offers.all.find(({ id }) => id !== model && (lending.countOf(id) ?? 0) > 0);
        return other === undefined ? null : asked(other);
      }
      case 'anyone': {
        const other = offers.freeBesides(model);
        return other === null ? null : asked(other);
      }
      default:
        return scope satisfies never;
    }
  }
}
