/** One tab downloads a model, and others that want the same file wait for it: two would write into one another's file. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Clock } from '@llmesh/core/base/clock';
import { cancelled } from '@llmesh/core/base/errors';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import type { Locks, Release } from '../locks.ts';

const LOOK_EVERY_MS = 1_000;

export interface DownloadTurnNeeds {
  locks: Locks;
  clock: Clock;
  /** How much of the model is on this device. */
  keptBytes: (model: CatalogueModel) => Promise<number>;
  failed: (error: unknown) => void;
}

export class DownloadTurn {
  readonly #needs: DownloadTurnNeeds;

  constructor(needs: DownloadTurnNeeds) {
    this.#needs = needs;
  }

  /** Resolves when no other tab downloads it; until then tells how far that one is. Rejects with `cancelled`. */
  async take(
    model: CatalogueModel,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<Release> {
    const { locks, clock, keptBytes, failed } = this.#needs;
    const name = `model/${fileOf(model)}`;
    const mine = await locks.tryHold(name).catch((error: unknown) => {
      // Where the browser refuses its locks there is nothing to wait for.
      failed(error);
      return () => {};
    });
    if (mine !== null) return mine;
    let waits = true;
    let stop = () => {};
    const look = () => {
      keptBytes(model)
        .then((loadedBytes) => {
          if (waits) onProgress({ phase: 'download', loadedBytes, totalBytes: model.sizeBytes });
        }, failed)
        .finally(() => {
          if (waits) stop = clock.after(LOOK_EVERY_MS, look);
        });
    };
    look();
    try {
      return await locks.hold(name, signal);
    } catch (error) {
      throw signal.aborted ? cancelled() : error;
    } finally {
      waits = false;
      stop();
    }
  }
}

function fileOf(model: CatalogueModel): string {
  return model.format === 'gguf' && model.sha256 !== null ? model.sha256 : model.id;
}
