/** Work that must happen once in a browser, whatever the number of its tabs. Adapters: `adapters/web-locks.ts`. */

/** Lets others have it. Idempotent. */
export type Release = () => void;

export interface Locks {
  /** Resolves when this tab has the lock: it has it until it lets go or is closed. Rejects when `signal` aborts first. */
  hold(name: string, signal: AbortSignal): Promise<Release>;
  /** null: another tab has it, or this one. */
  tryHold(name: string): Promise<Release | null>;
}
