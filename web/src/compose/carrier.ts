/** What carries models, for a page that has a place for them. A part of its own: a page is shown without it. */
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { scriptHasher } from '@llmesh/core/models/hasher';
import type { HolderIndex } from '@llmesh/core/models/swarm-port';
import type { Clock } from '@llmesh/core/base/clock';
import type { Mesh } from '@llmesh/core/mesh';
import { proxy } from 'comlink';
import { warn } from '../adapters/log.ts';
import type { SharesModels } from '../adapters/mesh-door.ts';
import { codeFailure } from '../adapters/page-code.ts';
import { storageQuota } from '../engines/common/room.ts';
import { PageStore } from '../engines/store/page-store.ts';
import type { StoreHostApi } from '../engines/store/store-wire.ts';
// oxlint-disable-next-line import/default -- Vite makes it: the address of the built worker.
import storeWorkerUrl from '../engines/store/store-worker.ts?worker&url';
import { isOf, StoreRoom } from '../engines/supply/store-room.ts';
import { SwarmSupply } from '../engines/supply/swarm-supply.ts';
import { WorkerHost } from '../engines/worker-host.ts';
import type { OwnModelShelf } from '../state/models/own-models.svelte.ts';
import type { AdapterShelf } from '../state/chat/adapters/own-adapters.svelte.ts';
import type { ModelSupply } from '../state/device/model-supply.ts';
import type { Locks } from '../state/locks.ts';
import type { Store } from '../state/store.ts';
import { ForOthers } from '../state/donate/sharing/for-others.svelte.ts';
import type { Sharing } from '../state/donate/sharing/sharing.svelte.ts';

const ASKING_MS = 10_000;

export interface Carrier {
  supply: ModelSupply;
  shares: SharesModels;
  removeContent: (content: ContentId) => Promise<void>;
  keepAdapter: AdapterShelf['keep'];
  keepModel: OwnModelShelf['keep'];
}

export interface CarrierParts {
  sharing: Sharing;
  mesh: () => Promise<Pick<Mesh, 'swarm' | 'keeper'>>;
  store: Store;
  locks: Locks;
  clock: Clock;
}

export function openCarrier({ sharing, mesh, store: records, locks, clock }: CarrierParts): Carrier {
  const swarm = async () => (await mesh()).swarm;
  let running: WorkerHost<StoreHostApi> | null = null;
  const host = () => {
    running ??= new WorkerHost<StoreHostApi>(
      new Worker(storeWorkerUrl, { type: 'module' }),
      () => codeFailure(new URL(storeWorkerUrl, location.href).href),
      (error) => {
        running = null;
        warn('the files of models', error);
      },
      stoppedByItself,
    );
    return running;
  };
  const store = new PageStore((run) => host().call(run));
  let index: HolderIndex | null = null;
  const room = new StoreRoom({
    store,
    limitBytes: () => sharing.storage.bytes,
    lent: () => sharing.contents,
    async othersHave(content) {
      await swarm();
      const wanted = { content, sha256: null };
      const holders = (await index?.holders(wanted, AbortSignal.timeout(ASKING_MS))) ?? [];
      // What this page lends never leaves, so it is none of them.
      return holders.some(({ whole }) => whole);
    },
    quota: storageQuota,
    free: (bytes) => others.free(bytes),
    now: Date.now,
    say: (words) => sharing.storage.say(words),
  });
  const others = new ForOthers({
    ...{ store: records, locks, clock, quota: storageQuota },
    list: () => store.list(),
    allowed: () => sharing.allowed,
    keeper: async () => (await mesh()).keeper,
    lend: (contents) => sharing.keep(contents),
    failed: (error) => warn('keeping models for others', error),
  });
  sharing.others = others;
  const bringing = new SwarmSupply({
    ...{ swarm, room },
    lends: () => sharing.limits().seeding,
    failed: (error) => warn('a model comes from its source alone', error),
  });
  const supply: ModelSupply = {
    async bring(model, ...rest) {
      // What its owner chose is theirs, also if others needed it before.
      await others.own((one) => isOf(one, model));
      await bringing.bring(model, ...rest);
    },
  };
  const shares: SharesModels = (control) => {
    index = control;
    return {
      store,
      holders: control,
      hasher: scriptHasher,
      limits: () => sharing.limits(),
      failed: (error) => warn('a model from volunteers', error),
      keep: others.consent,
    };
  };
  return {
    supply,
    shares,
    removeContent: async (content) => {
      await others.own((one) => one.content === content);
      await store.remove(content);
    },
    keepAdapter: async (file, onProgress) => {
      const kept = await host().call((remote) => remote.keepAdapter(file, file.name, proxy(onProgress)));
      return { ...kept, version: 1 };
    },
    keepModel: (file, onProgress) => host().call((remote) => remote.keepModel(file, file.name, proxy(onProgress))),
  };
}

function stoppedByItself(): MeshError {
  return new MeshError(
    'model_unreadable',
    'The part of this page that keeps models stopped on its own. Reload the page and start again: what has arrived is kept.',
  );
}
