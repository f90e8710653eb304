/** The adapters that are in memory beside their model: loaded when they are asked for, a limited number at once. */
import { onAbort, untilAborted } from '@llmesh/core/base/abort';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { ModelContext, HeldSequence } from './context/model-context.ts';
import type { Reading } from './context/answer-sequence.ts';
import type { AdapterCapacity } from '@llmesh/core/engine/engine';
import { realClock, type Clock } from '@llmesh/core/base/clock';
import { type AdapterFile, type LentAdapters, MAX_FETCHED_BYTES } from '../models/adapter-file.ts';

export const DEFAULT_ADAPTER_CAP = 2;
/** What was fetched leaves the memory when nobody has used it for so long. */
const IDLE_MS = 600_000;

/**
 * An adapter needs a context of its own, with memory for each of its sequences, and that is set aside when the model is
 * loaded (`model-plan.ts`). It has half as many sequences as the model: only some requesters ask for one adapter.
 */
export function adapterCapacityOf(slots: number, lent: LentAdapters): AdapterCapacity {
  return { adapters: mostAtOnce(lent), slots: Math.ceil(slots / 2) };
}

/** The bytes of the weights of the largest adapters, as many as there are contexts for. */
export function adapterBytes(lent: LentAdapters): number {
  const sizes = lent.files.map(({ sizeBytes }) => sizeBytes);
  const { fetch, mostBytes = MAX_FETCHED_BYTES } = lent;
  if (fetch !== undefined) sizes.push(...Array.from({ length: mostAtOnce(lent) }, () => mostBytes));
  return sizes
    .toSorted((a, b) => b - a)
    .slice(0, mostAtOnce(lent))
    .reduce((sum, n) => sum + n, 0);
}

function mostAtOnce({ files, cap = DEFAULT_ADAPTER_CAP, fetch }: LentAdapters): number {
  return fetch === undefined ? Math.min(files.length, cap) : cap;
}

type OpenContext = Pick<ModelContext, 'hold' | 'close'>;
type Open = (file: AdapterFile, signal: AbortSignal) => Promise<OpenContext>;

interface Entry {
  context: Promise<OpenContext>;
  /** The answers that are written with it, or wait for it. */
  users: number;
  stopTimer: () => void;
}

export class Adapters {
  readonly #files: ReadonlyMap<string, AdapterFile>;
  readonly #cap: number;
  readonly #fetch: NonNullable<LentAdapters['fetch']>;
  readonly #open: Open;
  readonly #clock: Clock;
  /** The longest unused comes first. */
  readonly #entries = new Map<string, Entry>();
  /** One comes or goes at a time. */
  #changed: Promise<unknown> = Promise.resolve();
  #waiting: (() => void)[] = [];
  readonly #closing = new AbortController();

  /** A failure of `open` is the failure of the one who asked; the next question tries again. */
  constructor(
    { files, cap = DEFAULT_ADAPTER_CAP, fetch = unknownAdapter }: LentAdapters,
    open: Open,
    clock: Clock = realClock,
  ) {
    this.#files = new Map(files.map((file) => [file.sha256, file]));
    this.#cap = cap;
    this.#fetch = fetch;
    this.#open = open;
    this.#clock = clock;
  }

  /**
   * A sequence for an answer with this adapter, which is loaded if need be; the longest unused leaves for it. Rejects with
   * cancelled, unsupported, or what `open` throws.
   */
  async sit(sha256: string, reading: Reading, signal: AbortSignal, isAnswer = true): Promise<HeldSequence> {
    const waits = AbortSignal.any([signal, this.#closing.signal]);
    const file = this.#files.get(sha256) ?? (await this.#fetch(sha256, waits));
    const entry = await this.#enter(file, waits);
    const leave = () => {
      entry.users -= 1;
      if (entry.users === 0 && !this.#files.has(sha256)) this.#leaveLater(sha256, entry);
      this.#wake();
    };
    try {
      const context = await untilAborted(entry.context, waits);
      const held = await context.hold(reading, waits, isAnswer);
      const end = () => {
        held.end();
        leave();
      };
      return { ...held, end };
    } catch (thrown) {
      leave();
      throw thrown;
    }
  }

  /** Idempotent. Answers that are still being written fail. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const sha256 of [...this.#entries.keys()]) this.#leave(sha256);
    await this.#changed;
  }

  /** The entry, with one more user. */
  async #enter(file: AdapterFile, signal: AbortSignal): Promise<Entry> {
    for (;;) {
      if (signal.aborted) throw cancelled();
      const entry = this.#entries.get(file.sha256) ?? this.#make(file);
      if (entry !== null) {
        entry.users += 1;
        entry.stopTimer();
        this.#entries.delete(file.sha256);
        this.#entries.set(file.sha256, entry);
        return entry;
      }
      await this.#left(signal);
    }
  }

  /** Null: all adapters in memory have users. */
  #make(file: AdapterFile): Entry | null {
    if (this.#entries.size >= this.#cap) {
      const idle = [...this.#entries].find(([, { users }]) => users === 0);
      if (idle === undefined) return null;
      this.#leave(idle[0]);
    }
    const context = this.#change(() => this.#open(file, this.#closing.signal));
    const entry: Entry = { context, users: 0, stopTimer: () => {} };
    this.#entries.set(file.sha256, entry);
    entry.context.catch(() => {
      if (this.#entries.get(file.sha256) === entry) this.#entries.delete(file.sha256);
      this.#wake();
    });
    return entry;
  }

  #leaveLater(sha256: string, entry: Entry): void {
    entry.stopTimer();
    if (this.#entries.get(sha256) !== entry) return;
    entry.stopTimer = this.#clock.after(IDLE_MS, () => {
      if (this.#entries.get(sha256) === entry && entry.users === 0) this.#leave(sha256);
    });
  }

  #leave(sha256: string): void {
    const entry = this.#entries.get(sha256);
    if (entry === undefined) return;
    entry.stopTimer();
    this.#entries.delete(sha256);
    const left = this.#change(async () => {
      const context = await entry.context.catch(() => null);
      await context?.close();
    });
    // If the memory is not freed, the next adapter lacks it, and its requester hears so.
    left.catch(() => {});
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const changing = this.#changed.then(change);
    this.#changed = changing.catch(() => {});
    return changing;
  }

  /** Resolves when an adapter may have become unused. Rejects with cancelled. */
  #left(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        stopListening();
        resolve();
      };
      const stopListening = onAbort(signal, () => {
        this.#waiting = this.#waiting.filter((other) => other !== wake);
        reject(cancelled());
      });
      this.#waiting.push(wake);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

function unknownAdapter(): Promise<never> {
  return Promise.reject(new MeshError('unsupported', 'This volunteer does not have that adapter.'));
}
