/** Puts together what carries models: the store in its worker, the way from and to volunteers, and what its owner says about it. */
import { MeshError } from '@llmesh/core/base/errors';
import { scriptHasher } from '@llmesh/core/models/hasher';
import type { StoreHostApi } from '../engines/store/store-wire.ts';
import { isMetered } from '../adapters/metered.ts';
import { warn } from '../adapters/log.ts';
import { codeFailure } from '../adapters/page-code.ts';
import { fileSystem } from '../engines/files/open-files.ts';
import { PageStore } from '../engines/store/page-store.ts';
// oxlint-disable-next-line import/default -- Vite makes it: the address of the built worker.
import storeWorkerUrl from '../engines/store/store-worker.ts?worker&url';
import { storedModel } from '../engines/store/stored-model.ts';
import { SwarmSupply } from '../engines/supply/swarm-supply.ts';
import { WorkerHost } from '../engines/worker-host.ts';
import { Sharing } from '../state/donate/sharing/sharing.svelte.ts';
import type { Visit } from './visit.ts';

export interface ModelFilesParts {
  store: PageStore;
  supply: SwarmSupply;
  sharing: Sharing;
}

/** To be called before the mesh is opened. */
export function composeModelFiles({ records, clock, door }: Visit): ModelFilesParts {
  const store = new PageStore((run) => host().call(run));
  let running: WorkerHost<StoreHostApi> | null = null;
  const host = () =>
    (running ??= new WorkerHost<StoreHostApi>(
      new Worker(storeWorkerUrl, { type: 'module' }),
      () => codeFailure(new URL(storeWorkerUrl, location.href).href),
      (error) => {
        running = null;
        warn('the files of models', error);
      },
      stoppedByItself,
    ));
  /** Without a file system there is no store, and models come as they did before there was one. */
  const hasPlace = fileSystem().then((root) => root !== null);
  const swarm = async () => ((await hasPlace) ? (await door.open()).swarm : null);
  const sharing: Sharing = new Sharing({
    ...{ store: records, clock, now: Date.now, swarm },
    metered: isMetered,
    hidden: () => door.hidden,
    async contentOf(model) {
      const root = await fileSystem();
      return root === null ? null : ((await storedModel(root, model))?.content ?? null);
    },
    failed: (error) => warn('sharing model files', error),
  });
  door.shares = (control) => ({
    store,
    holders: control,
    hasher: scriptHasher,
    limits: () => sharing.limits(),
    failed: (error) => warn('a model from volunteers', error),
  });
  const supply = new SwarmSupply({
    swarm,
    lends: () => sharing.limits().seeding,
    failed: (error) => warn('a model comes from its source alone', error),
  });
  return { store, supply, sharing };
}

function stoppedByItself(): MeshError {
  return new MeshError(
    'model_unreadable',
    'The part of this page that keeps models stopped on its own. Reload the page and start again: what has arrived is kept.',
  );
}
