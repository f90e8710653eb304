/** Runs in Chromium: a peer with the store of our page, in files of the browser, and without an engine. `tab.ts` is its other side. */
import { openPeerHere } from '@llmesh/core/browser-host';
import { scriptHasher } from '@llmesh/core/models/hasher';
import type { OpenPeer } from '@llmesh/core/open-peer';
import type { RtcPeerConnection } from '@llmesh/core/transport/rtc-connection';
import { PageStore } from '../../../web/src/engines/store/page-store.ts';
import type { StoreHostApi } from '../../../web/src/engines/store/store-wire.ts';
import { WorkerHost } from '../../../web/src/engines/worker-host.ts';
import { measuredFetch } from './measured-fetch.ts';
import type { TabCommand } from './commands.ts';
import { RawEnd } from './raw-end.ts';

let node: OpenPeer | null = null;
const raw = new RawEnd(() => new RTCPeerConnection({ iceServers: [] }) as RtcPeerConnection);

async function modelTab(command: TabCommand): Promise<unknown> {
  switch (command.do) {
    case 'join':
      return join(command.mesh, command.storeWorker);
    case 'fetch':
      return measuredFetch(swarm(), scriptHasher, command);
    case 'given':
      return swarm().figures.totals.toPeers;
    default:
      return raw.run(command);
  }
}

function swarm() {
  const found = node?.mesh.swarm ?? null;
  if (found === null) throw new Error('it has not joined yet');
  return found;
}

async function join(mesh: string, storeWorker: string): Promise<void> {
  const fail = (error: Error) => {
    throw error;
  };
  const host = new WorkerHost<StoreHostApi>(
    new Worker(URL.createObjectURL(new Blob([storeWorker], { type: 'text/javascript' }))),
    () => Promise.reject(new Error('The worker of the store did not begin.')),
    fail,
  );
  const store = new PageStore((run) => host.call(run));
  node = await openPeerHere(new URL(mesh), {
    models: (control) => ({
      store,
      holders: control,
      hasher: scriptHasher,
      limits: () => ({ seeding: true, bytesPerSecond: null, bytesPerDay: null }),
      failed: fail,
    }),
  });
  const { control } = node;
  while (control.state !== 'open') await new Promise((resolve) => setTimeout(resolve, 20));
}

Object.assign(globalThis, { modelTab });
