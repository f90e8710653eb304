/** What a browser gives to the tabs of one page, besides the store: locks, a channel between them, and what outlives a reload. */
import type { Locks, Release } from '../state/locks.ts';
import type { TabChannel } from '../state/chat/kept/live-answers.ts';
import type { Tails } from '../state/chat/kept/unfinished.ts';
import type { KeptAtOnce } from '../state/settings.svelte.ts';

export interface PretendTab {
  browser: PretendBrowser;
  locks: Locks;
  channel: TabChannel;
  session: KeptAtOnce;
  tails: Tails;
  /** The tab is killed: it lets go of its locks, and hears nothing more. */
  kill(): void;
  /** The page that this tab has after a reload. */
  reload(): PretendTab;
}

export class PretendBrowser {
  /** Who has which lock. */
  readonly #held = new Map<string, object>();
  readonly #hearers = new Map<object, (message: unknown) => void>();
  readonly #tails = new Map<string, unknown>();

  openTab(session: KeptAtOnce = memoryKept()): PretendTab {
    const tab = {};
    const tails = this.#tails;
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
      tails: {
        read: (id) => structuredClone(tails.get(id)),
        write: (id, value) => tails.set(id, structuredClone(value)),
        remove: (id) => tails.delete(id),
      },
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

export function memoryKept(): KeptAtOnce {
  let kept: unknown = null;
  return { read: () => kept, write: (value) => (kept = structuredClone(value)) };
}
