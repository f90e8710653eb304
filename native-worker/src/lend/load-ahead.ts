/**
 * Loads a model ahead when the mesh expects questions for it. That is a stranger's word, so it counts only while the
 * computer is lent, for one model at a time, and not often.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { OfferRef } from '@llmesh/core/policy/offer-key';
import { taskOf, type ModelAdvert } from '@llmesh/core/wire/model-advert';
import { asMeshError, type MeshError } from '@llmesh/core/base/errors';
import { TokenBucket } from '@llmesh/core/base/token-bucket';

/** Each time reads the whole model from the disk. */
const RATE = { perSecond: 1 / 300, burst: 3 };

export interface RestingModel {
  /** The advert as it stands now. */
  readonly advert: ModelAdvert;
  /** Loads it; left out: it never leaves the memory. */
  loadAhead?: () => Promise<void>;
}

export interface LoadAheadNeeds {
  models: readonly RestingModel[];
  /** Whether the owner can spare the computer now. */
  mayLoad: () => boolean;
  clock: Clock;
  loading: (advert: ModelAdvert) => void;
  /** Told when it stays out of memory; the next question tries again. */
  failed: (error: MeshError) => void;
}

export class LoadAhead {
  readonly #needs: LoadAheadNeeds;
  readonly #allowance: TokenBucket;
  #busy = false;

  constructor(needs: LoadAheadNeeds) {
    this.#needs = needs;
    this.#allowance = new TokenBucket(needs.clock, RATE);
  }

  /** Any offer. Never throws. */
  expect({ task, model: id }: Required<OfferRef>): void {
    const { models, mayLoad, loading } = this.#needs;
    const model = models.find(({ advert }) => advert.id === id && taskOf(advert) === task);
    if (model?.loadAhead === undefined || model.advert.wakesInMs === undefined) return;
    if (this.#busy || !mayLoad() || !this.#allowance.take(1)) return;
    this.#busy = true;
    loading(model.advert);
    void this.#load(model.loadAhead);
  }

  async #load(loadAhead: () => Promise<void>): Promise<void> {
    try {
      await loadAhead();
    } catch (thrown) {
      const error = asMeshError(
        thrown,
        'engine_failed',
        'The model could not be loaded ahead. The next question will try again.',
      );
      // The worker ends.
      if (error.code !== 'cancelled') this.#needs.failed(error);
    }
    this.#busy = false;
  }
}
