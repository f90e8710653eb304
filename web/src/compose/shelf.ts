/** The models on this device; the code that looks for them is a part of its own, for a page is shown without it. */
import type { BrowserShelf, BrowserShelfNeeds } from '../engines/browser-shelf.ts';
import type { ModelShelf } from '../state/device/model-shelf.ts';

export function composeShelf(needs: BrowserShelfNeeds): ModelShelf {
  let opened: Promise<BrowserShelf> | null = null;
  const shelf = () => {
    opened ??= import('../engines/browser-shelf.ts').then(
      (part) => new part.BrowserShelf(needs),
      (error: unknown) => {
        opened = null;
        throw error;
      },
    );
    return opened;
  };
  return {
    lasting: async () => await (await shelf()).lasting(),
    kept: async (models, settings) => await (await shelf()).kept(models, settings),
    remove: async (model, settings) => await (await shelf()).remove(model, settings),
    quota: async () => await (await shelf()).quota(),
  };
}
