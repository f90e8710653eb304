/** Puts the Models page together. Its code is fetched when it is looked at, or when a download has to go on. */
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import { warn } from '../../adapters/log.ts';
import { DOWNLOADS_KEY } from '../../state/models/downloads-key.ts';
import { Part } from '../../state/shell/part.svelte.ts';
import type { ChatPageState } from '../../ui/chat/chat-page-state.ts';
import type { LibraryNeeds } from './library.ts';
import type { OwnModelsParts } from './own-models.ts';

export function composeModelsPage(needs: LibraryNeeds): ChatPageState['library'] {
  const part = new Part(async () => (await import('./library.ts')).openLibrary(needs));
  return {
    open: () => part.open(),
    async goOn() {
      try {
        if ((await needs.visit.records.get(DOWNLOADS_KEY)) === undefined) return;
        const library = await part.open();
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
