/** The models on this device; the code that looks for them is a part of its own, for a page is shown without it. */
import type { BrowserShelfNeeds } from '../engines/browser-shelf.ts';
import type { ModelShelf } from '../state/device/model-shelf.ts';
import { Part } from '../state/shell/part.svelte.ts';

export function composeShelf(needs: BrowserShelfNeeds): ModelShelf {
  const part = new Part(async () => {
    const { BrowserShelf } = await import('../engines/browser-shelf.ts');
    return new BrowserShelf(needs);
  });
  return {
    lasting: async () => await (await part.open()).lasting(),
    kept: async (models, settings) => await (await part.open()).kept(models, settings),
    remove: async (model, settings) => await (await part.open()).remove(model, settings),
    quota: async () => await (await part.open()).quota(),
  };
}
