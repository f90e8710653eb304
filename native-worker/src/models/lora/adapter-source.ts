/**
 * Adapters that strangers name and nobody gave before: by their SHA-256, and only what one address has, which the owner of this
 * computer chose. Their bytes come from peers, too. Their size, number and time on the way have limits here, and each must be the
 * file that was named.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import path from 'node:path';
import type { GgufFileInfo } from 'node-llama-cpp';
import { untilAborted } from '@llmesh/core/base/abort';
import { realClock, type Clock } from '@llmesh/core/base/clock';
import { asMeshError, cancelled, MeshError } from '@llmesh/core/base/errors';
import { misfitOf, readAdapter } from './adapter-fit.ts';
import { download } from '../download.ts';
import { hashFile } from '../../files/file-hash.ts';
import { fileVersion } from '../../files/file-version.ts';
import { HuggingFace } from '../hugging-face.ts';
import { findStored, listStore, removeStored, type StoredModel } from '../model-store.ts';
import type { SharedAdapters } from '../pieces/shared-adapters.ts';
import { RemoteFile } from '../transfer/remote-file.ts';
import { explainTransfer } from '../transfer/transfer-error.ts';
import { megabytes } from '../../cli/output.ts';
import { type AdapterFile, MAX_FETCHED_BYTES } from '../adapter-file.ts';

/** How many stay on the disk; beyond that, the ones asked for longest ago are removed. */
export const MAX_FETCHED = 16;
/** A question waits for it, and a provider that is silent for much longer counts as broken. */
const FETCH_MS = 120_000;
/** The pause before a failed download is tried again. */
const AGAIN_MS = 60_000;
const MAX_REMEMBERED = 1_000;

interface Run {
  file: Promise<Fetched>;
  requesters: number;
  stop: AbortController;
}

interface Fetched {
  file: AdapterFile;
  info: GgufFileInfo;
}

export interface AdapterSourceOptions {
  /** `<base>/<sha256>.gguf` */
  base: URL;
  dataFolder: string;
  clock?: Clock;
  /** Default: MAX_FETCHED_BYTES. */
  maxBytes?: number;
  /** Left out: they come from the address alone, and are given to nobody. */
  shared?: Pick<SharedAdapters, 'peers' | 'lend' | 'forget'>;
  /** Tells the owner, at most once per AGAIN_MS for each adapter. */
  failed: (error: MeshError) => void;
}

export class AdapterSource {
  readonly #options: AdapterSourceOptions;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #runs = new Map<string, Run>();
  /** The one that was asked for longest ago comes first. */
  readonly #fetched = new Map<string, Fetched>();
  readonly #closing = new AbortController();
  readonly #missing = new BoundedMap<string, number>(MAX_REMEMBERED);

  constructor(options: AdapterSourceOptions) {
    this.#options = options;
    this.#folder = path.join(options.dataFolder, 'adapters');
    this.#clock = options.clock ?? realClock;
    this.#maxBytes = options.maxBytes ?? MAX_FETCHED_BYTES;
  }

  /** Nothing is hashed any more to be given to others. Idempotent. */
  close(): void {
    this.#closing.abort();
  }

  /** Gets the adapter for this model. Rejects with unsupported, which tells a stranger nothing more, or cancelled. */
  async fetch(sha256: string, base: GgufFileInfo, signal: AbortSignal): Promise<AdapterFile> {
    const { file, info } = (await this.#remembered(sha256)) ?? (await this.#run(sha256, signal));
    if (misfitOf(info, base) !== null) throw new MeshError('unsupported', 'That adapter is made for another model.');
    return file;
  }

  async #remembered(sha256: string): Promise<Fetched | null> {
    const fetched = this.#fetched.get(sha256);
    if (fetched === undefined) return null;
    this.#fetched.delete(sha256);
    if ((await fileVersion(fetched.file.path)) !== fetched.file.version) return null;
    this.#fetched.set(sha256, fetched);
    return fetched;
  }

  /** All who ask while it is on its way wait for the same download; when all have left, it stops. */
  async #run(sha256: string, signal: AbortSignal): Promise<Fetched> {
    if (signal.aborted) throw cancelled();
    if (this.#clock.now() < (this.#missing.get(sha256) ?? -Infinity)) throw notToBeHad();
    let run = this.#runs.get(sha256);
    if (run === undefined) {
      const stop = new AbortController();
      run = { file: this.#load(sha256, stop), requesters: 0, stop };
      this.#runs.set(sha256, run);
    }
    run.requesters += 1;
    try {
      return await untilAborted(run.file, signal);
    } finally {
      run.requesters -= 1;
      if (run.requesters === 0) {
        run.stop.abort();
        // The next one begins again.
        if (this.#runs.get(sha256) === run) this.#runs.delete(sha256);
      }
    }
  }

  async #load(sha256: string, stop: AbortController): Promise<Fetched> {
    let late = false;
    const stopTimer = this.#clock.after(FETCH_MS, () => {
      late = true;
      stop.abort();
    });
    try {
      const fetched = await this.#download(sha256, stop.signal);
      this.#fetched.set(sha256, fetched);
      return fetched;
    } catch (thrown) {
      if (stop.signal.aborted && !late) throw cancelled();
      this.#missing.set(sha256, this.#clock.now() + AGAIN_MS);
      const { code, message } = asMeshError(thrown, 'model_download_failed', String(thrown));
      this.#options.failed(new MeshError(code, `An adapter that was asked for (${sha256}) is not here. ${message}`));
      throw notToBeHad();
    } finally {
      stopTimer();
      await this.#trim();
    }
  }

  async #download(sha256: string, signal: AbortSignal): Promise<Fetched> {
    const { base, dataFolder } = this.#options;
    const url = new URL(`${sha256}.gguf`, base.href.endsWith('/') ? base : `${base.href}/`);
    const sizeBytes = await this.#sizeOf(url, signal);
    const { shared } = this.#options;
    const tooLarge = new AbortController();
    const stored = await download(
      { source: { kind: 'url', url }, asked: url.href, sha256, ...(sizeBytes !== null && { sizeBytes }) },
      {
        folder: this.#folder,
        dataFolder,
        hub: new HuggingFace({}, this.#clock),
        // Not every server says in advance how much it sends.
        onProgress: ({ loadedBytes }) => {
          if (loadedBytes > this.#maxBytes) tooLarge.abort();
        },
        onSize: async (sizeBytes) => {
          if (sizeBytes > this.#maxBytes) throw this.#larger();
        },
        onWait: () => {},
        // Of a size that nobody knows there may be any number of bytes.
        peers: sizeBytes === null ? null : (shared?.peers ?? null),
      },
      AbortSignal.any([signal, tooLarge.signal]),
    ).catch(async (thrown: unknown) => {
      await shared?.forget(sha256, null);
      if (signal.aborted) throw thrown;
      await this.#remove(sha256, url.href);
      throw tooLarge.signal.aborted ? this.#larger() : thrown;
    });
    try {
      const real = await hashFile(stored.file, dataFolder, signal);
      if (real !== sha256) throw new MeshError('model_integrity', 'The file on the disk was changed.');
      const name = sha256.slice(0, 8);
      const info = await readAdapter(stored.file, name, signal);
      const version = await fileVersion(stored.file);
      const file = { sha256, name, path: stored.file, sizeBytes: stored.sizeBytes ?? stored.loadedBytes, version };
      void shared?.lend(stored.file, this.#closing.signal);
      return { file, info };
    } catch (thrown) {
      if (!signal.aborted) await this.#forget(sha256, stored);
      throw thrown;
    }
  }

  #larger(): MeshError {
    return new MeshError('storage_full', `It is larger than ${megabytes(this.#maxBytes)}, which is the most.`);
  }

  /**
   * What the address has is fetched, and nothing else, whoever has it: its owner was chosen, and peers were not. Null: it does not
   * say. Rejects where it does not have it, or has more than is allowed.
   */
  async #sizeOf(url: URL, signal: AbortSignal): Promise<number | null> {
    if (this.#options.shared === undefined || (await findStored(this.#folder, url.href)) !== null) return null;
    try {
      const { sizeBytes } = await RemoteFile.open({ url, authorization: null }, this.#clock, signal);
      return sizeBytes;
    } catch (thrown) {
      throw signal.aborted ? cancelled() : explainTransfer(thrown, url.href);
    }
  }

  /** Removes the files of a download that nobody wants any more. */
  async #remove(sha256: string, source: string): Promise<void> {
    const found = (await listStore(this.#folder)).find(({ record }) => record?.source === source);
    if (found !== undefined) await this.#forget(sha256, found);
  }

  async #forget(sha256: string, stored: StoredModel): Promise<void> {
    await this.#options.shared?.forget(sha256, stored.file);
    await removeStored(this.#folder, stored);
  }

  /** Removes broken downloads first; after a start, then what nobody has asked for since. */
  async #trim(): Promise<void> {
    const kept = await listStore(this.#folder);
    const running = [...this.#runs.keys()];
    const order = [...this.#fetched.values()].map(({ file }) => file.path);
    const oldest = kept
      .filter(({ stem }) => !running.some((sha256) => stem.startsWith(sha256)))
      .toSorted((a, b) => order.indexOf(a.file) - order.indexOf(b.file))
      .slice(0, Math.max(0, kept.length - MAX_FETCHED));
    for (const model of oldest) {
      for (const [sha256, { file }] of this.#fetched) if (file.path === model.file) this.#fetched.delete(sha256);
      try {
        await this.#forget(model.record?.files[0]?.sha256 ?? '', model);
      } catch (thrown) {
        // Another llmesh is using it: it is removed another time.
        if (!(thrown instanceof MeshError)) throw thrown;
      }
    }
  }
}

function notToBeHad(): MeshError {
  return new MeshError('unsupported', 'This volunteer cannot get that adapter. Ask another, or again later.');
}
