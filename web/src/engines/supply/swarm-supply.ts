/** Models from volunteers and their source together, into the store that both engines read. */
import { MeshError } from '@llmesh/core/base/errors';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import type { FetchProgress } from '@llmesh/core/models/swarm-port';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import type { ModelSupply } from '../../state/device/model-supply.ts';
import { ggufFileName } from '../common/model-url.ts';
import { fileSystem } from '../files/file-system.ts';
import { openModelFiles } from '../files/open-files.ts';
import { storedModel } from '../store/stored-model.ts';
import type { StoreRoom } from './store-room.ts';
import { forgetOlder } from './older-places.ts';
import { webFiles } from './web-files.ts';

/** Often enough for a person. */
const PROGRESS_EVERY_MS = 100;
/** What fetching the whole file from its source may mend. */
const MENDED: ReadonlySet<string> = new Set([
  'model_not_found',
  'model_integrity',
  'model_download_failed',
  'unsupported',
  'control_unreachable',
  'rate_limited',
  'offline',
]);

export interface SwarmSupplyNeeds {
  /** Null: this browser cannot take part. */
  swarm: () => Promise<Pick<Swarm, 'fetch'> | null>;
  room: Pick<StoreRoom, 'make'>;
  /** Whether others may have the pieces of what is fetched, as far as the limits allow. */
  lends: () => boolean;
  failed: (error: unknown) => void;
}

export class SwarmSupply implements ModelSupply {
  readonly #needs: SwarmSupplyNeeds;

  constructor(needs: SwarmSupplyNeeds) {
    this.#needs = needs;
  }

  async bring(
    model: CatalogueModel,
    settings: EngineSettings,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const sha256 = model.format === 'gguf' ? model.sha256 : null;
    // Nobody knows what it is before it was here once.
    if (model.content === undefined && sha256 === null) return;
    const root = await fileSystem();
    if (root === null || (await isHere(root, model))) return;
    const { swarm, room, lends, failed } = this.#needs;
    await room.make(model);
    try {
      const stored = await (
        await swarm()
      )?.fetch(
        {
          content: model.content ?? null,
          sha256,
          manifest: null,
          web: webFiles(model, settings, location.origin),
          sizeBytes: sha256 === null ? null : model.sizeBytes,
          lend: lends(),
        },
        { signal, onProgress: reporter(onProgress) },
      );
      await stored?.close();
      if (stored !== undefined) await forgetOlder(model, settings);
    } catch (error) {
      if (signal.aborted || !isMended(error, model)) throw error;
      failed(error);
    }
  }
}

/** An older place counts, too: what lies there is taken into the store when it is read. */
async function isHere(root: FileSystemDirectoryHandle, model: CatalogueModel): Promise<boolean> {
  if ((await storedModel(root, model)) !== null) return true;
  if (model.format !== 'gguf') return false;
  return (await (await openModelFiles()).find(ggufFileName(model)))?.whole ?? false;
}

/** What the source has is checked by its hash afterwards; of a folder nobody knows more than its content id. */
function isMended(error: unknown, model: CatalogueModel): boolean {
  return error instanceof MeshError && MENDED.has(error.code) && model.format === 'gguf';
}

function reporter(onProgress: (progress: LoadProgress) => void): (progress: FetchProgress) => void {
  let last = -Infinity;
  return ({ loadedBytes, sizeBytes, peers, fromWeb, fromLocal }) => {
    const time = performance.now();
    if (time - last < PROGRESS_EVERY_MS && loadedBytes < sizeBytes) return;
    last = time;
    onProgress({
      phase: 'download',
      loadedBytes,
      totalBytes: sizeBytes,
      ...((peers > 0 || fromLocal > 0) && { from: { peers, web: fromWeb > 0, hereBytes: fromLocal } }),
    });
  };
}
