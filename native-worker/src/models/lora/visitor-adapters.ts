/**
 * Adapters that whoever asks brings along: taken over the link of the question, checked in a process of their own, kept for a
 * while, and forgotten. Their size, number and time on the way have limits here. Nothing of them outlives the worker.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { untilAborted } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { MAX_BROUGHT_BYTES } from '@llmesh/core/gguf/lora';
import type { ContentId } from '@llmesh/core/base/ids';
import type { Manifest } from '@llmesh/core/models/manifest';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import type { Channel } from '@llmesh/core/peers/channel';
import type { BroughtAdapter } from '@llmesh/core/tasks/task-kind';
import { fileVersion } from '../../files/file-version.ts';
import { takeLock } from '../../files/process-lock.ts';
import type { AdapterFile } from '../adapter-file.ts';
import { FilePieceStore } from '../pieces/file-piece-store.ts';

/** How many stay on the disk; beyond that, those asked for longest ago leave. */
export const MAX_KEPT = 8;
/** How many are on their way at once. */
const MAX_TAKING = 4;
/** As long as a requester waits: see `GIVING_MS` of core's `answering.ts`. */
const TAKE_MS = 230_000;
/** Forgotten when nobody has asked with it for so long. */
export const IDLE_MS = 600_000;

interface Kept {
  content: ContentId;
  file: AdapterFile;
  /** The models that it was found to fit. */
  fits: Set<string>;
  stopTimer: () => void;
}

export interface VisitorAdaptersOptions {
  dataFolder: string;
  /** Null: files cannot come from peers. */
  swarm: () => Promise<Pick<Swarm, 'take'> | null>;
  /** Rejects with model_unreadable when this is no adapter for this model file. */
  check: (adapter: string, model: string, signal: AbortSignal) => Promise<void>;
  clock: Clock;
}

export class VisitorAdapters {
  readonly #options: VisitorAdaptersOptions;
  readonly #folder: string;
  readonly #store: FilePieceStore;
  readonly #release: () => Promise<void>;
  /** By SHA-256; the one that was asked for longest ago comes first. */
  readonly #kept = new Map<string, Kept>();
  readonly #taking = new Map<string, Promise<Kept>>();
  readonly #closing = new AbortController();

  private constructor(options: VisitorAdaptersOptions, folder: string, release: () => Promise<void>) {
    this.#options = options;
    this.#folder = folder;
    this.#release = release;
    this.#store = new FilePieceStore(folder);
  }

  /** Removes what a worker left that was killed. Rejects with the system's error. */
  static async open(options: VisitorAdaptersOptions): Promise<VisitorAdapters> {
    const all = path.join(options.dataFolder, 'visitors');
    await mkdir(all, { recursive: true });
    for (const name of await readdir(all)) {
      const [folder, lock] = [path.join(all, name), lockOf(path.join(all, name))];
      if (name.endsWith(LOCK)) continue;
      const release = await takeLock(lock);
      if (release === null) continue;
      await rm(folder, { recursive: true, force: true });
      await release();
    }
    for (let i = 0; ; i++) {
      const folder = path.join(all, String(i));
      const release = await takeLock(lockOf(folder));
      if (release === null) continue;
      await mkdir(folder, { recursive: true });
      return new VisitorAdapters(options, folder, release);
    }
  }

  /** Null: it was not taken, or is forgotten. */
  find(sha256: string): AdapterFile | null {
    const kept = this.#kept.get(sha256);
    if (kept !== undefined) this.#use(sha256, kept);
    return kept?.file ?? null;
  }

  /**
   * Has it here when this resolves. Rejects with model_unreadable when it is no adapter for this model, busy, unsupported, or
   * cancelled. `model`: the path of its file.
   */
  async take(adapter: BroughtAdapter, from: Channel, model: string, signal: AbortSignal): Promise<void> {
    const { sha256 } = adapter;
    const kept = (await this.#present(adapter)) ?? (await this.#taken(adapter, from, signal));
    if (kept.fits.has(model)) return;
    try {
      await this.#options.check(kept.file.path, model, signal);
    } catch (thrown) {
      if (kept.fits.size === 0) await this.#forget(sha256);
      throw thrown;
    }
    kept.fits.add(model);
  }

  /** Removes all of them. Idempotent. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await Promise.allSettled(this.#taking.values());
    for (const { stopTimer } of this.#kept.values()) stopTimer();
    this.#kept.clear();
    await rm(this.#folder, { recursive: true, force: true });
    await this.#release();
  }

  async #present({ sha256, content }: BroughtAdapter): Promise<Kept | null> {
    const kept = this.#kept.get(sha256);
    // Whoever knows the hash of the file alone has not got it.
    if (kept?.content !== content) return null;
    if ((await fileVersion(kept.file.path)) !== kept.file.version) {
      await this.#forget(sha256);
      return null;
    }
    this.#use(sha256, kept);
    return kept;
  }

  /** All who bring the same at once wait for one of them; when that one leaves, the next begins. */
  async #taken(adapter: BroughtAdapter, from: Channel, signal: AbortSignal): Promise<Kept> {
    const key = `${adapter.sha256} ${adapter.content}`;
    for (let other = this.#taking.get(key); other !== undefined; other = this.#taking.get(key)) {
      const kept = await untilAborted(
        other.catch(() => null),
        signal,
      );
      if (kept !== null) return kept;
    }
    if (signal.aborted) throw cancelled();
    if (this.#taking.size >= MAX_TAKING) {
      throw new MeshError('busy', 'This volunteer is taking several adapters already. Ask again in a minute.');
    }
    const taking = this.#receive(adapter, from, signal);
    this.#taking.set(key, taking);
    try {
      return await taking;
    } finally {
      this.#taking.delete(key);
    }
  }

  async #receive({ sha256, content }: BroughtAdapter, from: Channel, signal: AbortSignal): Promise<Kept> {
    const { swarm: open, clock } = this.#options;
    const swarm = await open();
    if (swarm === null) throw new MeshError('unsupported', 'This volunteer takes no adapters any more.');
    const late = new AbortController();
    const stopTimer = clock.after(TAKE_MS, () => late.abort());
    const either = AbortSignal.any([signal, late.signal, this.#closing.signal]);
    let sizeBytes = 0;
    const wants = (manifest: Manifest) => {
      const [file, ...others] = manifest.files;
      if (manifest.format !== 'adapter' || file === undefined || others.length > 0) return false;
      ({ sizeBytes } = file);
      return sizeBytes <= MAX_BROUGHT_BYTES && Buffer.from(file.sha256).toString('hex') === sha256;
    };
    try {
      const stored = await swarm.take({ content, from, store: this.#store, wants }, { signal: either });
      await stored.close();
    } catch (thrown) {
      if (signal.aborted) throw cancelled();
      await this.#drop(content);
      throw late.signal.aborted ? tooSlow() : sayOf(thrown);
    } finally {
      stopTimer();
    }
    const [file] = (await this.#store.paths(content)) ?? [];
    if (file === undefined) throw sayOf(new MeshError('model_integrity', 'It is gone.'));
    const version = await fileVersion(file);
    const name = sha256.slice(0, 8);
    const kept: Kept = {
      content,
      file: { sha256, name, path: file, sizeBytes, version },
      fits: new Set(),
      stopTimer: () => {},
    };
    await this.#forget(sha256);
    this.#use(sha256, kept);
    for (const oldest of [...this.#kept.keys()].slice(0, Math.max(0, this.#kept.size - MAX_KEPT))) {
      await this.#forget(oldest);
    }
    return kept;
  }

  #use(sha256: string, kept: Kept): void {
    kept.stopTimer();
    this.#kept.delete(sha256);
    this.#kept.set(sha256, kept);
    kept.stopTimer = this.#options.clock.after(IDLE_MS, () => void this.#forget(sha256));
  }

  async #forget(sha256: string): Promise<void> {
    const kept = this.#kept.get(sha256);
    if (kept === undefined) return;
    kept.stopTimer();
    this.#kept.delete(sha256);
    await this.#drop(kept.content);
  }

  async #drop(content: ContentId): Promise<void> {
    try {
      await this.#store.remove(content);
    } catch (thrown) {
      // Somebody is taking it again: it leaves another time.
      if (!(thrown instanceof MeshError)) throw thrown;
    }
  }
}

const LOCK = '.lock';

function lockOf(folder: string): string {
  return `${folder}${LOCK}`;
}

/** What its requester hears; the rest is this computer's own business. */
function sayOf(thrown: unknown): MeshError {
  const { code = null } = thrown instanceof MeshError ? thrown : {};
  if (code === 'model_unreadable') {
    return new MeshError(
      'model_unreadable',
      'What was sent as an adapter is something else, or larger than 50 MB. Choose the file again.',
    );
  }
  return new MeshError('unsupported', 'This volunteer could not take your adapter. Ask again, or ask another.', {
    cause: thrown,
  });
}

function tooSlow(): MeshError {
  return new MeshError(
    'unsupported',
    'Your adapter took too long on its way to this volunteer. On a faster connection, or with a smaller adapter, it works.',
  );
}
