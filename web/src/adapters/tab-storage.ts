/** What a tab keeps, in the browser's session storage. A tab that was duplicated has a copy. */
import type { TabKept } from '../state/tab-kept.ts';

/** `failed` hears that storage is not allowed or full; the value is then forgotten. */
export function tabStorage(failed: (error: unknown) => void): TabKept {
  return {
    read(key) {
      try {
        return JSON.parse(sessionStorage.getItem(key) ?? 'null') as unknown;
      } catch (error) {
        failed(error);
        return null;
      }
    },
    write(key, value) {
      try {
        if (value === null) sessionStorage.removeItem(key);
        else sessionStorage.setItem(key, JSON.stringify(value));
      } catch (error) {
        failed(error);
      }
    },
  };
}
