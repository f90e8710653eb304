/** What every page stands on: what this browser keeps, who we are, and the way into the mesh. */
import { realClock } from '@llmesh/core/base/clock';
import type { Clock } from '@llmesh/core/base/clock';
import { onAbort } from '@llmesh/core/base/abort';
import type { ControlClient } from '@llmesh/core/control/control';
import { clockWords } from '@llmesh/core/control/server-time';
import type { ControlHost } from '@llmesh/core/host';
import { openControl } from '@llmesh/core/open-control';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Identity } from '@llmesh/core/identity/identity';
import { openIdentity } from '../adapters/identity/identity.ts';
import { MeshDoor } from '../adapters/mesh-door.ts';
import { notKept, warn } from '../adapters/log.ts';
import { sharedStorage, tabStorage } from '../adapters/web-storage.ts';
import { Connection } from '../state/connection.svelte.ts';
import type { Passing } from '../state/passing.ts';
import type { KeptByKey } from '../state/kept/kept-at-once.ts';
import { PartError } from '../state/shell/part-error.ts';
import { openKeep, type Keep } from './keep.ts';
import { PageNews } from './page-news.ts';

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export interface Visit extends Keep {
  /** What this tab keeps for itself across its reloads. */
  tab: KeptByKey;
  /** What all tabs keep, written at once. */
  shared: KeptByKey;
  clock: Clock;
  self: PeerId;
  /** Signs for us. */
  identity: Identity;
  /** Why our name is for this visit only; null: it lasts. */
  selfPasses: Passing | null;
  /** It has to be started. */
  control: ControlClient;
  door: MeshDoor;
  connection: Connection;
  news: PageNews;
}

export async function openVisit(): Promise<Visit> {
  const clock = realClock;
  const keep = await openKeep(clock);
  const { store } = keep;
  const { identity, passing } = await openIdentity({
    ...{ store, subtle: crypto.subtle, locks: navigator.locks },
    leaving: (gone) => addEventListener('pagehide', gone, { once: true }),
  });
  const address = new URL(location.origin);
  const host: ControlHost = {
    agent: 'browser',
    prove,
    openSocket: (url) => new WebSocket(url),
    clock,
    random: Math.random,
  };
  const control = openControl(host, address, identity);
  const door = new MeshDoor({ control, identity, store: passing === null ? store : null, address });
  addEventListener('pagehide', () => door.close());
  // A page that comes back from the browser's memory has said goodbye: it needs a new start.
  addEventListener('pageshow', (event) => event.persisted && location.reload());
  const news = new PageNews();
  const connection = followConnection(control, news);
  return {
    ...keep,
    tab: tabStorage(notKept),
    shared: sharedStorage(notKept),
    clock,
    self: identity.peerId,
    identity,
    selfPasses: passing,
    control,
    door,
    connection,
    news,
  };
}

/** Its code is fetched when the server asks. A server ends a connection on which nothing is proved; the next one tries again. */
const prove: ControlHost['prove'] = async (identity, challenge, host, signal) => {
  try {
    const { proveKey } = await import('@llmesh/core/identity/key-proof');
    return await proveKey(identity, challenge, host, signal);
  } catch (error) {
    if (!(error instanceof PartError)) throw error;
    warn('what proves our name is fetched again with the next connection', error);
    await new Promise<void>((resolve) => onAbort(signal, resolve));
    throw error;
  }
};

function followConnection(control: ControlClient, news: PageNews): Connection {
  const connection = new Connection(LOOPBACK.test(location.hostname));
  control.on('state', (state) => {
    connection.takeControl(state, control.refusal);
    if (state === 'open') connection.takeClock(clockWords(Date.now(), control.serverNowMs));
    news.tell('known');
  });
  const takeOnline = () => {
    connection.takeOnline(navigator.onLine);
    news.tell('known');
  };
  takeOnline();
  addEventListener('online', takeOnline);
  addEventListener('offline', takeOnline);
  return connection;
}
