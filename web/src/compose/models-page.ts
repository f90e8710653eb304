/** Puts the Models page together. Its code is fetched when it is looked at, or when a download has to go on. */
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import { warn } from '../adapters/log.ts';
import type { Announcer } from '../state/announcer.svelte.ts';
import type { ModelCatalogue } from '../state/catalogue.svelte.ts';
import type { Chat } from '../state/chat/chat.svelte.ts';
import type { LocalModels } from '../state/device/local-models.svelte.ts';
import type { ThisDevice } from '../state/device/this-device.svelte.ts';
import { DOWNLOADS_KEY } from '../state/models/downloads-key.ts';
import type { ModelLibrary } from '../state/models/library.svelte.ts';
import type { Offers } from '../state/offers.svelte.ts';
import type { Router } from '../state/shell/router.svelte.ts';
import type { ChatPageState } from '../ui/chat/chat-page-state.ts';
import type { ModelFilesParts } from './model-files.ts';
import type { OwnModelsParts } from './own-models.ts';
import type { Visit } from './visit.ts';

export interface ModelsPageNeeds {
  visit: Visit;
  catalogue: ModelCatalogue;
  device: ThisDevice;
  local: LocalModels;
  offers: Offers;
  chat: Chat;
  files: ModelFilesParts;
  announcer: Announcer;
  router: Router;
}

export function composeModelsPage(needs: ModelsPageNeeds): ChatPageState['library'] {
  let opened: Promise<ModelLibrary> | null = null;
  const open = () => {
    opened ??= import('./library.ts')
      .then((part) => part.openLibrary(needs))
      .catch((error: unknown) => {
        opened = null;
        throw error;
      });
    return opened;
  };
  return {
    open,
    async goOn() {
      try {
        if ((await needs.visit.records.get(DOWNLOADS_KEY)) === undefined) return;
        const library = await open();
        await library.goOn();
      } catch (error) {
        warn('downloads do not go on', error);
      }
    },
  };
}

/** The visitor's own models; the code that keeps them is a part of its own, for few people have any. */
export function composeOwnModels(parts: OwnModelsParts): () => Promise<readonly GgufModel[]> {
  return async () => {
    const own = await (await import('./own-models.ts')).openOwnModels(parts);
    return own.list;
  };
}
