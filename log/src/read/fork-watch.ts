/**
 * Compares the checkpoints of one log that different people were shown. Whoever is shown another past than we are finds out,
 * and so do we: both checkpoints are signed, so together they show that the log lies, to anybody.
 */
import type { CheckSignature } from '../base/ed25519.ts';
import { sameBytes, type TreeHasher } from '../base/hashing.ts';
import { utf8 } from '../base/text.ts';
import { readCheckpoint, type Checkpoint } from '../note/checkpoint.ts';
import type { NoteKey } from '../note/key.ts';
import { openNote, readNote, writeNote } from '../note/note.ts';
import { VerifiedTree, type FetchFile } from './verified-tree.ts';

/** Checkpoints larger than ours, which wait until the log has shown us as much. */
const MAX_WAITING = 16;

export interface ForkWatchOptions {
  /** The log's. */
  readonly key: NoteKey;
  /** Reads the log as it is shown to us. */
  readonly fetch: FetchFile;
  readonly check?: CheckSignature;
  readonly hasher?: TreeHasher;
}

/** `seen`: what we were shown; `shown`: what does not go with it. Signed notes, with the log's signature alone. */
export interface SeenFork {
  readonly origin: string;
  readonly seen: string;
  readonly shown: string;
}

/**
 * `same`: it goes with ours. `waits`: it is further than what we were shown, or the log cannot be read now. `foreign`: the
 * log has not signed it, so it says nothing.
 */
export type Heard = 'same' | 'waits' | 'foreign' | SeenFork;

interface Signed {
  readonly checkpoint: Checkpoint;
  readonly note: string;
}

export class ForkWatch {
  readonly #options: ForkWatchOptions;
  readonly #waiting = new Map<string, Signed>();
  #own: Signed | null = null;
  /** One comparison at a time: each may read a dozen tiles. */
  #working: Promise<unknown> = Promise.resolve();

  constructor(options: ForkWatchOptions) {
    this.#options = options;
  }

  /** How large the log is that we were shown. */
  get size(): number {
    return this.#own?.checkpoint.size ?? 0;
  }

  /**
   * What the log shows us now. Returns the forks that this brings to light. A smaller checkpoint than before is compared
   * like anybody's.
   */
  own(note: string, signal: AbortSignal): Promise<SeenFork[]> {
    return this.#next(async () => {
      const signed = this.#read(note);
      if (signed === null) return [];
      const before = this.#own;
      const grows = before === null || signed.checkpoint.size > before.checkpoint.size;
      if (!grows) return forksIn([await this.#compare(signed, signal)]);
      this.#own = signed;
      const others = before === null ? [] : [before];
      for (const waiting of [...this.#waiting.values()]) {
        if (waiting.checkpoint.size <= signed.checkpoint.size) others.push(waiting);
      }
      const found: Heard[] = [];
      for (const other of others) {
        this.#waiting.delete(other.note);
        found.push(await this.#compare(other, signal));
      }
      return forksIn(found);
    });
  }

  /** What somebody else was shown. */
  heard(note: string, signal: AbortSignal): Promise<Heard> {
    return this.#next(() => {
      const signed = this.#read(note);
      return signed === null ? Promise.resolve('foreign') : this.#compare(signed, signal);
    });
  }

  async #compare(other: Signed, signal: AbortSignal): Promise<Heard> {
    const own = this.#own;
    if (own === null || other.checkpoint.size > own.checkpoint.size) return this.#wait(other);
    try {
      if (await this.#goesWith(own.checkpoint, other.checkpoint, signal)) return 'same';
    } catch {
      // A log that cannot be read, or not rightly, shows nothing yet: it is compared again when there is more to see.
      return this.#wait(other);
    }
    return { origin: own.checkpoint.origin, seen: own.note, shown: other.note };
  }

  async #goesWith(own: Checkpoint, other: Checkpoint, signal: AbortSignal): Promise<boolean> {
    if (other.size === own.size) return sameBytes(other.root, own.root);
    const tree = await VerifiedTree.open(own, this.#options, signal);
    return tree.continues(other);
  }

  #wait(other: Signed): 'waits' {
    if (this.#waiting.size < MAX_WAITING) this.#waiting.set(other.note, other);
    return 'waits';
  }

  /** With the log's signature alone: who else has signed makes no other checkpoint of it. Null: the log has not. */
  #read(text: string): Signed | null {
    const { key, check } = this.#options;
    const note = readNote(utf8(text));
    const opened = note === null ? null : openNote(note, [key], check);
    const checkpoint = opened === null ? null : readCheckpoint(opened.text);
    if (opened === null || checkpoint === null || checkpoint.origin !== key.name) return null;
    const signatures = opened.checked.map(({ signature }) => signature);
    return { checkpoint, note: writeNote({ text: opened.text, signatures }) };
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#working.then(work, work);
    this.#working = next;
    return next;
  }
}

function forksIn(found: readonly Heard[]): SeenFork[] {
  return found.filter((one): one is SeenFork => typeof one === 'object');
}
