/** Downloads one file: in parts over several connections where the server allows that, and continues where it stopped. */
import { constants } from 'node:fs';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { onAbort } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { doneBytes, partCount, readJournal, removeJournal, writeJournal, type Journal } from './download-journal.ts';
import { openFresh } from '../files/own-file.ts';
import { Patience } from './transfer/patience.ts';
import type { RemoteFile } from './transfer/remote-file.ts';
import { errno, sizeOf, writeAll } from '../files/whole-file.ts';

const CONNECTIONS = 4;
const PART_BYTES = 8_388_608;
/** A limit that keeps the journal of the largest file small. */
const MAX_PARTS = 4096;
/** How often the disk is made to keep what it has, at most. */
const SAVE_MS = 1_000;
/** How much of the disk a file of unknown length may fill. */
const UNKNOWN_SHARE = 0.9;
/** How often a server without parts may begin from the start. */
const MAX_STARTS = 4;

export interface DownloadTools {
  clock: Clock;
  /** 0 … 1 */
  random: () => number;
  partBytes?: number;
}

export interface FileDownload {
  remote: RemoteFile;
  /** The path without `.part`, where the bytes go. */
  file: string;
  /** The SHA-256 from a trustworthy source; null: nobody says it. */
  sha256: string | null;
  /** The most that a file of unknown length may take. */
  freeBytes: number;
  onBytes: (loadedBytes: number) => void;
}

export function partFile(file: string): string {
  return `${file}.part`;
}

/** The room on the disk that a download of `file` has taken already, and will fill again. */
export async function takenBytes(file: string): Promise<number> {
  try {
    // Blocks have 512 bytes each, whatever the disk has: the file may be full of holes. https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/sys_stat.h.html
    return (await stat(partFile(file))).blocks * 512;
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return 0;
    throw thrown;
  }
}

/**
 * Resolves when `file.part` is whole and on the disk. After a failure the bytes stay there for the next time. Throws
 * a TransferError, the system's error, or cancelled.
 */
export async function downloadFile(download: FileDownload, tools: DownloadTools, signal: AbortSignal): Promise<void> {
  const { remote, file } = download;
  const patience = new Patience(tools.clock, tools.random);
  if (!remote.ranges || remote.sizeBytes === null) return downloadWhole(download, patience, signal);
  const journal = (await usableJournal(download)) ?? {
    version: 1,
    sizeBytes: remote.sizeBytes,
    partBytes: Math.max(tools.partBytes ?? PART_BYTES, Math.ceil(remote.sizeBytes / MAX_PARTS)),
    etag: remote.etag,
    sha256: download.sha256,
    done: '',
  };
  const handle = await openPart(file);
  try {
    await new PartsDownload(download, journal, handle, patience, tools.clock).run(signal);
  } finally {
    await handle.close();
  }
}

/** With the same checksum the rest may even come from elsewhere; without, it must be the same edition on the same server. */
async function usableJournal({ remote, file, sha256 }: FileDownload): Promise<Journal | null> {
  const journal = await readJournal(file);
  if (journal === null || !remote.ranges || journal.sizeBytes !== remote.sizeBytes) return null;
  const same =
    sha256 !== null && journal.sha256 !== null
      ? sha256 === journal.sha256
      : remote.etag !== null && remote.etag === journal.etag;
  return same && (await reaches(file, journal)) ? journal : null;
}

/** Somebody may have cut or removed the file that the journal speaks of. */
async function reaches(file: string, { done, partBytes, sizeBytes }: Journal): Promise<boolean> {
  const size = await sizeOf(partFile(file));
  return size !== null && size >= Math.min((done.lastIndexOf('1') + 1) * partBytes, sizeBytes);
}

async function openPart(file: string): Promise<FileHandle> {
  try {
    return await open(partFile(file), constants.O_RDWR | (constants.O_NOFOLLOW ?? 0));
  } catch (thrown) {
    if (errno(thrown) !== 'ENOENT') throw thrown;
    return open(partFile(file), 'wx+');
  }
}

async function downloadWhole(download: FileDownload, patience: Patience, signal: AbortSignal): Promise<void> {
  const { remote, file, onBytes } = download;
  const mostBytes = remote.sizeBytes ?? download.freeBytes * UNKNOWN_SHARE;
  await removeJournal(file);
  const handle = await openFresh(partFile(file));
  try {
    for (let starts = 1; ; starts++) {
      let at = 0;
      await handle.truncate(0);
      try {
        for await (const bytes of remote.whole(signal)) {
          if (at + bytes.length > mostBytes) throw endless(file);
          await writeAll(handle, bytes, at);
          at += bytes.length;
          patience.came(bytes.length);
          onBytes(at);
        }
        await handle.sync();
        return;
      } catch (thrown) {
        if (starts === MAX_STARTS) throw thrown;
        await patience.after(thrown, signal);
      }
    }
  } finally {
    await handle.close();
  }
}

function endless(file: string): MeshError {
  return new MeshError(
    'storage_full',
    `The server does not say how large the model is, and it fills the disk of ${path.dirname(file)}. Make room, or give another folder with --data.`,
  );
}

class PartsDownload {
  readonly #remote: RemoteFile;
  readonly #file: string;
  readonly #journal: Journal;
  readonly #handle: FileHandle;
  readonly #patience: Patience;
  readonly #clock: Clock;
  readonly #onBytes: (loadedBytes: number) => void;
  readonly #done: boolean[];
  #next = 0;
  #loadedBytes = 0;
  #savedMs: number;
  #saving: Promise<void> | null = null;

  constructor(download: FileDownload, journal: Journal, handle: FileHandle, patience: Patience, clock: Clock) {
    this.#remote = download.remote;
    this.#file = download.file;
    this.#onBytes = download.onBytes;
    this.#journal = journal;
    this.#handle = handle;
    this.#patience = patience;
    this.#clock = clock;
    this.#done = Array.from({ length: partCount(journal) }, (_, i) => journal.done[i] === '1');
    this.#loadedBytes = doneBytes(journal);
    this.#savedMs = clock.now();
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#onBytes(this.#loadedBytes);
    const stop = new AbortController();
    const forget = onAbort(signal, () => stop.abort());
    const failures: unknown[] = [];
    const connection = async () => {
      try {
        await this.#work(stop.signal);
      } catch (thrown) {
        failures.push(thrown);
        stop.abort();
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, connection));
    forget();
    await this.#saving;
    if (signal.aborted || failures.length > 0) {
      // On a full disk this may fail: then less is known to be there.
      await this.#save().catch((thrown: unknown) => failures.push(thrown));
      throw signal.aborted ? cancelled() : failures[0];
    }
    await this.#handle.truncate(this.#journal.sizeBytes);
    await this.#save();
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      while (this.#done[this.#next]) this.#next += 1;
      if (this.#next >= this.#done.length) return;
      const index = this.#next;
      this.#next += 1;
      await this.#part(index, signal);
      this.#done[index] = true;
      if (this.#clock.now() - this.#savedMs >= SAVE_MS)
        this.#saving ??= this.#save().finally(() => (this.#saving = null));
      // A disk that cannot keep it ends the download here, and not at its end.
      await this.#saving;
    }
  }

  async #part(index: number, signal: AbortSignal): Promise<void> {
    const { sizeBytes, partBytes, sha256 } = this.#journal;
    const sameEdition = sha256 === null;
    let at = index * partBytes;
    const end = Math.min(at + partBytes, sizeBytes);
    while (at < end) {
      try {
        for await (const bytes of this.#remote.part({ from: at, to: end - 1, sameEdition }, signal)) {
          await writeAll(this.#handle, bytes, at);
          at += bytes.length;
          this.#loadedBytes += bytes.length;
          this.#patience.came(bytes.length);
          this.#onBytes(this.#loadedBytes);
        }
      } catch (thrown) {
        await this.#patience.after(thrown, signal);
      }
    }
  }

  /** Saves the bytes first, and then the word that they are there. */
  async #save(): Promise<void> {
    const done = this.#done.map((there) => (there ? '1' : '0')).join('');
    await this.#handle.datasync();
    await writeJournal(this.#file, { ...this.#journal, done });
    this.#savedMs = this.#clock.now();
  }
}

/** Removes what a download left that will not continue. */
export async function discardDownload(file: string): Promise<void> {
  await rm(partFile(file), { force: true });
  await removeJournal(file);
}
