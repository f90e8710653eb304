/** Opens what the Models page knows. A part of its own: a page is shown without it. */
import { isMetered } from '../adapters/metered.ts';
import { lineBytesPerSecond } from '../adapters/line-speed.ts';
import { warn } from '../adapters/log.ts';
import { Downloads } from '../state/models/downloads.svelte.ts';
import { fetchModel } from '../state/models/fetch-model.ts';
import { ModelLibrary } from '../state/models/library.svelte.ts';
import type { ModelsPageNeeds } from './models-page.ts';
import { openOwnModels } from './own-models.ts';

export async function openLibrary(needs: ModelsPageNeeds): Promise<ModelLibrary> {
  const { visit, catalogue, device, local, offers, chat, files, announcer, router } = needs;
  const { records: store, clock } = visit;
  const downloads: Downloads = new Downloads({
    store,
    clock,
    models: () => catalogue.models,
    fetch: (model, onProgress, signal) => fetchModel(device.newEngine(), model, onProgress, signal),
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
