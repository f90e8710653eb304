/** One value in the browser's local storage, which writes synchronously. */
import type { KeptAtOnce } from '../state/kept/kept-at-once.ts';

/** `failed` hears that storage is not allowed or full; the value is then forgotten with the page. */
export function localKept(key: string, failed: (error: unknown) => void): KeptAtOnce {
  return {
    read() {
      try {
        return JSON.parse(localStorage.getItem(key) ?? 'null') as unknown;
      } catch (error) {
        failed(error);
        return null;
      }
    },
    write(value) {
      try {
        if (value === null) localStorage.removeItem(key);
        else localStorage.setItem(key, JSON.stringify(value));
      } catch (error) {
        failed(error);
      }
    },
  };
}
