/** The storages of the browser that are written at once: that of a tab, of which a duplicated tab has a copy, and that of all tabs. */
import type { KeptByKey } from '../state/kept/kept-at-once.ts';

type Failed = (error: unknown) => void;

/**
 * `failed` hears that the browser allows no storage, or that it is full: the value is then forgotten with the page. It hears of
 * writes that fail one after the other once, as some are made with each key that is pressed.
 */
export const tabStorage = (failed: Failed): KeptByKey => webStorage(() => sessionStorage, failed);
export const sharedStorage = (failed: Failed): KeptByKey => webStorage(() => localStorage, failed);

/** Where site data is blocked, looking at the storage throws as well. */
function webStorage(storage: () => Storage, failed: Failed): KeptByKey {
  let writes = true;
  return {
    read(key) {
      try {
        return JSON.parse(storage().getItem(key) ?? 'null') as unknown;
      } catch (error) {
        failed(error);
        return null;
      }
    },
    write(key, value) {
      try {
        if (value === null) storage().removeItem(key);
        else storage().setItem(key, JSON.stringify(value));
        writes = true;
      } catch (error) {
        if (writes) failed(error);
        writes = false;
      }
      return writes;
    },
    keys(prefix) {
      try {
        return Object.keys(storage()).filter((key) => key.startsWith(prefix));
      } catch (error) {
        failed(error);
        return [];
      }
    },
  };
}
