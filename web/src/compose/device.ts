/** What this device can do, which models it has, and the engines that lending and asking share: a part of their own. */
import { warn } from '../adapters/log.ts';
import { codeFailure } from '../adapters/page-code.ts';
import type { ModelCatalogue } from '../state/catalogue.svelte.ts';
import type { ModelShelf } from '../state/device/model-shelf.ts';
import { ThisDevice } from '../state/device/this-device.svelte.ts';
import { Part } from '../state/shell/part.svelte.ts';
import type { Engines } from './engines.ts';
import type { ModelFilesParts } from './model-files.ts';
import { composeOwnModels } from './models/models-page.ts';
import { composeShelf } from './shelf.ts';
import type { Visit } from './visit.ts';

export interface DeviceParts {
  device: ThisDevice;
  shelf: ModelShelf;
  /** Null until somebody needed them. */
  readonly opened: Engines | null;
  /** Rejects as parts of the page do that are fetched later; the next call tries again. */
  engines: () => Promise<Engines>;
  /** The same, for whoever tells a person why it failed: rejects with a `MeshError`. */
  enginesToUse: () => Promise<Engines>;
}

export function composeDevice(visit: Visit, files: ModelFilesParts, catalogue: ModelCatalogue): DeviceParts {
  const shelf = composeShelf(files);
  const part = new Part(async () => {
    const { openEngines } = await import('./engines.ts');
    return openEngines({ visit, files, shelf, settings: () => device.settings });
  });
  const enginesToUse = () =>
    part.open().catch(async (cause: unknown) => {
      // This file is named after those that it imports.
      throw await codeFailure(import.meta.url, cause);
    });
  const device: ThisDevice = new ThisDevice({
    store: visit.records,
    models: () => catalogue.models,
    newEngine: async (settings) => (await enginesToUse()).newEngine(settings),
    shelf,
    ownModels: composeOwnModels({ store: visit.records, carrier: files.carrier }),
    failed: (error) => warn('this device', error),
  });
  return {
    device,
    shelf,
    get opened() {
      return part.value;
    },
    engines: () => part.open(),
    enginesToUse,
  };
}
