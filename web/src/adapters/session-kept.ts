/** What one tab keeps across its reloads, and what any page keeps in the moment in which it is closed: both are written at once. */
import type { Tails } from '../state/chat/kept/unfinished.ts';
import type { KeptAtOnce } from '../state/settings.svelte.ts';

const TAIL = 'tail/';

/** `failed` hears that the browser allows no storage, or that it is full: the value is then forgotten with the page. */
export function sessionKept(key: string, failed: (error: unknown) => void): KeptAtOnce {
  const storage = () => sessionStorage;
  return {
    read: () => read(storage, key, failed),
    write: (value) => write(storage, key, value, failed),
  };
}

/** Other tabs read them, too. */
export function localTails(failed: (error: unknown) => void): Tails {
  const storage = () => localStorage;
  return {
    read: (id) => read(storage, TAIL + id, failed),
    write: (id, value) => write(storage, TAIL + id, value, failed),
    remove: (id) => attempt(() => storage().removeItem(TAIL + id), failed),
  };
}

/** Where site data is blocked, looking at the storage throws as well. */
function read(storage: () => Storage, key: string, failed: (error: unknown) => void): unknown {
  let value: unknown = null;
  attempt(() => {
    value = JSON.parse(storage().getItem(key) ?? 'null');
  }, failed);
  return value;
}

function write(storage: () => Storage, key: string, value: unknown, failed: (error: unknown) => void): void {
  attempt(() => storage().setItem(key, JSON.stringify(value)), failed);
}

function attempt(what: () => void, failed: (error: unknown) => void): void {
  try {
    what();
  } catch (error) {
    failed(error);
  }
}
