/** Puts together what carries models: the store in its worker, the way from and to volunteers, and what its owner says about it. */
import type { ContentId } from '@llmesh/core/base/ids';
import { isMetered } from '../adapters/line/metered.ts';
import { warn } from '../adapters/log.ts';
import { fileSystem } from '../engines/files/file-system.ts';
import type { ModelSupply } from '../state/device/model-supply.ts';
import type { Sharing } from '../state/donate/sharing/sharing.svelte.ts';
import { Part } from '../state/shell/part.svelte.ts';
import type { Carrier, CarrierParts } from './carrier.ts';
import type { Visit } from './visit.ts';

export interface ModelFilesParts {
  supply: ModelSupply;
  /** As it was kept. Rejects as parts of the page do that are fetched later. */
  sharing: () => Promise<Sharing>;
  /** See `BrowserShelfNeeds`. */
  removeContent: (content: ContentId) => Promise<void>;
  /** Null: this browser has no place for files. */
  carrier: () => Promise<Carrier | null>;
}

/** To be called before the mesh is opened. Its code is fetched with that of the mesh. */
export function composeModelFiles({ records, clock, locks, door }: Visit): ModelFilesParts {
  let carrier: Promise<Carrier | null> | null = null;
  const swarm = async () => (await door.open()).swarm;
  const part = new Part(async () => {
    const { Sharing } = await import('../state/donate/sharing/sharing.svelte.ts');
    const opened = new Sharing({
      ...{ store: records, clock, now: Date.now, swarm },
      metered: isMetered,
      hidden: () => door.hidden,
      async contentOf(model) {
        const root = await fileSystem();
        if (root === null) return null;
        const { storedModel } = await import('../engines/store/stored-model.ts');
        return (await storedModel(root, model))?.content ?? null;
      },
      failed: (error) => warn('sharing model files', error),
    });
    await opened.restore().catch((error: unknown) => warn('something that was kept cannot be read', error));
    return opened;
  });
  const sharing = () => part.open();
  const ready = () => {
    const parts = { sharing, store: records, locks, clock, mesh: () => door.open() };
    carrier ??= carry(parts).catch((error: unknown) => {
      carrier = null;
      warn('models come from their source alone', error);
      return null;
    });
    return carrier;
  };
  door.shares = async () => (await ready())?.shares ?? null;
  return {
    sharing,
    supply: {
      bring: async (...args) => await (await ready())?.supply.bring(...args),
    },
    carrier: ready,
    removeContent: async (content) => {
      await (await sharing()).letGo();
      await (await ready())?.removeContent(content);
    },
  };
}

/** Null: without a file system there is no store, and models come as they did before there was one. */
async function carry({
  sharing,
  ...parts
}: Omit<CarrierParts, 'sharing'> & Pick<ModelFilesParts, 'sharing'>): Promise<Carrier | null> {
  if ((await fileSystem()) === null) return null;
  const [{ openCarrier }, opened] = await Promise.all([import('./carrier.ts'), sharing()]);
  return openCarrier({ sharing: opened, ...parts });
}
