/** What a browser gives to the tabs of one page, besides the store: locks, a channel between them, and what outlives a reload. */
import type { Locks, Release } from '../state/locks.ts';
import type { TabChannel } from '../state/chat/kept/live-answers.ts';
import type { KeptByKey } from '../state/kept/kept-at-once.ts';

export interface PretendTab {
  browser: PretendBrowser;
  locks: Locks;
  channel: TabChannel;
  session: KeptByKey;
  shared: KeptByKey;
  /** The tab is killed: it lets go of its locks, and hears nothing more. */
  kill(): void;
  /** The page that this tab has after a reload. */
  reload(): PretendTab;
}

export class PretendBrowser {
  /** Who has which lock. */
  readonly #held = new Map<string, object>();
  readonly #hearers = new Map<object, (message: unknown) => void>();
  readonly #shared = memoryKept();

  openTab(session: KeptByKey = memoryKept()): PretendTab {
    const tab = {};
    const kill = () => {
      this.#hearers.delete(tab);
      for (const [name, holder] of this.#held) if (holder === tab) this.#held.delete(name);
    };
    return {
      browser: this,
      locks: this.#locksOf(tab),
      channel: {
        hear: (take) => this.#hearers.set(tab, take),
        tell: (message) => {
          const copy = structuredClone(message);
          for (const [other, take] of this.#hearers) if (other !== tab) queueMicrotask(() => take(copy));
        },
      },
      session,
      shared: this.#shared,
      kill,
      reload: () => {
        kill();
        return this.openTab(session);
      },
    };
  }

  #locksOf(tab: object): Locks {
    const held = this.#held;
    const take = (name: string): Release => {
      held.set(name, tab);
      let mine = true;
      return () => {
        if (mine) held.delete(name);
        mine = false;
      };
    };
    return {
      tryHold: async (name) => (held.has(name) ? null : take(name)),
      hold: async (name, signal) => {
        while (held.has(name)) {
          signal.throwIfAborted();
          await Promise.resolve();
        }
        return take(name);
      },
    };
  }
}

export function memoryKept(kept = new Map<string, unknown>()): KeptByKey {
  return {
    read: (key) => structuredClone(kept.get(key) ?? null),
    write(key, value) {
      if (value === null) kept.delete(key);
      else kept.set(key, structuredClone(value));
      return true;
    },
    keys: (prefix) => [...kept.keys()].filter((key) => key.startsWith(prefix)),
  };
}
