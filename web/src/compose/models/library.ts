/** Opens what the Models page knows. A part of its own: a page is shown without it. */
import type { Engine } from '@llmesh/core/engine/engine';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { isMetered } from '../../adapters/line/metered.ts';
import { lineBytesPerSecond } from '../../adapters/line/line-speed.ts';
import { warn } from '../../adapters/log.ts';
import type { Announcer } from '../../state/announcer.svelte.ts';
import type { ModelCatalogue } from '../../state/catalogue.svelte.ts';
import type { Chat } from '../../state/chat/chat.svelte.ts';
import type { LocalModels } from '../../state/device/local-models.svelte.ts';
import type { ThisDevice } from '../../state/device/this-device.svelte.ts';
import { Downloads } from '../../state/models/downloads.svelte.ts';
import { fetchModel } from '../../state/models/fetch-model.ts';
import { ModelLibrary } from '../../state/models/library.svelte.ts';
import type { Offers } from '../../state/offers.svelte.ts';
import type { Router } from '../../state/shell/router.svelte.ts';
import type { ModelFilesParts } from '../model-files.ts';
import { openOwnModels } from './own-models.ts';
import type { Visit } from '../visit.ts';

export interface LibraryNeeds {
  visit: Visit;
  catalogue: ModelCatalogue;
  device: ThisDevice;
  /** Its code may have to be fetched. */
  newEngine: () => Promise<Engine<CatalogueModel>>;
  local: LocalModels;
  offers: Offers;
  chat: Chat;
  files: ModelFilesParts;
  announcer: Announcer;
  router: Router;
}

export async function openLibrary(needs: LibraryNeeds): Promise<ModelLibrary> {
  const { visit, catalogue, device, newEngine, local, offers, chat, files, announcer, router } = needs;
  const { records: store, clock } = visit;
  const downloads: Downloads = new Downloads({
    store,
    clock,
    models: () => catalogue.models,
    fetch: async (model, onProgress, signal) => await fetchModel(await newEngine(), model, onProgress, signal),
    metered: isMetered,
    changed: (model, whole) => {
      if (whole) announcer.say(`${model.name} is on this device now.`);
      void device.look();
    },
    failed: (error) => warn('a download', error),
  });
  const own = await openOwnModels({ store, carrier: files.carrier });
  await downloads.restore();
  addEventListener('online', () => downloads.goOn());
  return new ModelLibrary({
    models: () => catalogue.models,
    modelsKnown: () => catalogue.load(),
    offers,
    device,
    local,
    downloads,
    own,
    chatWithin: (scope) => {
      chat.startNew();
      chat.open.scope = scope;
      chat.open.takeChoice();
    },
    go: (path) => router.go(path),
    lineBytesPerSecond,
    failed: (error) => warn('the models', error),
  });
}
