/** What this browser keeps: opened, watched, and shared by its tabs. */
import type { Clock } from '@llmesh/core/base/clock';
import { openStore } from '../adapters/idb-store.ts';
import { isStorageFull } from '../adapters/storage-room.ts';
import { openLocks } from '../adapters/web-locks.ts';
import { Keeping } from '../state/kept/keeping.svelte.ts';
import { PatientStore } from '../state/kept/patient-store.ts';
import { WatchedStore } from '../state/kept/watched-store.ts';
import type { Locks } from '../state/locks.ts';
import type { Store } from '../state/store.ts';

const TRIAL = 'trial';
/** As much as a long answer has. */
const TRIAL_BYTES = 65_536;

export interface Keep {
  /** A write that fails is told to whoever wanted it. */
  store: Store;
  /** For settings, totals and the like, whose changes wait until there is room for them. */
  records: Store;
  keeping: Keeping;
  locks: Locks;
}

export async function openKeep(clock: Clock): Promise<Keep> {
  const { store, refusal } = await openStore();
  const keeping = new Keeping({
    hopeless: store.lasting ? null : (await isForLackOfRoom(refusal)) ? 'full' : 'blocked',
    clock,
    tryWrite: async () => {
      await store.set([[TRIAL, new Uint8Array(TRIAL_BYTES)]]);
      await store.delete([TRIAL]);
    },
    isFull: isStorageFull,
  });
  return {
    store: new WatchedStore(store, keeping),
    records: new PatientStore(store, keeping),
    keeping,
    locks: await openLocks(store),
  };
}

async function isForLackOfRoom(refusal: unknown): Promise<boolean> {
  return (refusal instanceof DOMException && refusal.name === 'QuotaExceededError') || (await isStorageFull());
}
