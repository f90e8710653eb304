/**
 * Locks by records of the store. A tab that was killed leaves its record behind, so whoever wants a lock asks its holder, who
 * answers at once even from the background; one that does not answer has gone.
 */
import { newTaskId } from '@llmesh/core/base/ids';
import type { Locks, Release } from '../state/locks.ts';
import type { Store } from '../state/store.ts';

const PREFIX = 'lock/';
/** How long a living tab may take to say that it is there, on a busy machine. */
const ANSWERS_WITHIN_MS = 1_500;
/** How soon somebody who waits looks again whether the holder is still there. */
const LOOKS_AGAIN_MS = 3_000;

type Said = { type: 'held?' | 'held!' | 'released'; name: string; holder: string };

/** Those of this tab. */
export function openStoreLocks(store: Store): Locks {
  return new StoreLocks(store, new BroadcastChannel('llmesh-locks'), newTaskId());
}

export class StoreLocks implements Locks {
  readonly #store: Store;
  readonly #channel: BroadcastChannel;
  readonly #tab: string;
  readonly #mine = new Map<string, string>();
  readonly #answered = new Map<string, (there: boolean) => void>();
  #count = 0;

  /** `tab`: a name that no other tab has. */
  constructor(store: Store, channel: BroadcastChannel, tab: string) {
    this.#store = store;
    this.#channel = channel;
    this.#tab = tab;
    channel.addEventListener('message', ({ data }: MessageEvent<Said>) => this.#hear(data));
  }

  async hold(name: string, signal: AbortSignal): Promise<Release> {
    for (;;) {
      signal.throwIfAborted();
      const release = await this.tryHold(name);
      if (release === null) {
        await this.#untilChanged(name, signal);
        continue;
      }
      if (!signal.aborted) return release;
      release();
    }
  }

  async tryHold(name: string): Promise<Release | null> {
    const holder = `${this.#tab}/${this.#count++}`;
    const before = await this.#take(name, holder, null);
    if (before === null) return this.#release(name, holder);
    if (this.#mine.get(name) === before || (await this.#isThere(name, before))) return null;
    return (await this.#take(name, holder, before)) === null ? this.#release(name, holder) : null;
  }

  /** null: taken. Else who has it. `gone`: a holder that does not answer any more. */
  async #take(name: string, holder: string, gone: string | null): Promise<string | null> {
    let before: string | undefined;
    await this.#store.change({ keys: [PREFIX + name] }, (present) => {
      before = present.get(PREFIX + name) as string | undefined;
      return before === undefined || before === gone ? [[PREFIX + name, holder]] : [];
    });
    if (before !== undefined && before !== gone) return before;
    this.#mine.set(name, holder);
    return null;
  }

  #release(name: string, holder: string): Release {
    return () => {
      if (this.#mine.get(name) !== holder) return;
      this.#mine.delete(name);
      this.#channel.postMessage({ type: 'released', name, holder } satisfies Said);
      // If this fails, nobody answers for it any more: the next one who wants it gets it.
      void this.#store
        .change({ keys: [PREFIX + name] }, (present) =>
          present.get(PREFIX + name) === holder ? [[PREFIX + name, undefined]] : [],
        )
        .catch(() => {});
    };
  }

  #hear({ type, name, holder }: Said): void {
    if (type !== 'held?') this.#answered.get(holder)?.(type === 'held!');
    else if (this.#mine.get(name) === holder) this.#channel.postMessage({ type: 'held!', name, holder } satisfies Said);
  }

  #isThere(name: string, holder: string): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (there: boolean) => {
        clearTimeout(patience);
        this.#answered.delete(holder);
        resolve(there);
      };
      const patience = setTimeout(() => end(false), ANSWERS_WITHIN_MS);
      this.#answered.set(holder, end);
      this.#channel.postMessage({ type: 'held?', name, holder } satisfies Said);
    });
  }

  #untilChanged(name: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(again);
        stop();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const again = setTimeout(end, LOOKS_AGAIN_MS);
      const stop = this.#store.follow(PREFIX + name, end);
      signal.addEventListener('abort', end);
    });
  }
}
