/**
 * GGUF files on this device, in the origin private file system. A download that breaks off is resumed with a Range
 * request; a file is checked against the catalogue's SHA-256 once, when it is whole. Runs in the worker, because sync
 * access handles exist only there.
 */
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { OnProgress } from './adapter.ts';
import { bodyOf, downloadError, fetchFile, requireRoom } from './download.ts';
import { ggufFileName } from './model-url.ts';
import { GGUF_FOLDER } from './storage-names.ts';

/** Often enough for a person; more progress events would only cost messages. */
const PROGRESS_EVERY_MS = 100;
const REVALIDATE_MS = 5_000;

/** The model's file, downloaded if it is not here. */
export async function openGguf(
  model: GgufModel,
  url: string,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Blob> {
  const folder = await openFolder();
  if (folder === null) return await downloadToMemory(model, url, onProgress, signal);
  const name = ggufFileName(model);
  const kept = await folder.getFileHandle(name).catch(() => null);
  if (kept !== null) {
    const file = await kept.getFile();
    if (await isCurrent(model, url, file, signal)) {
      onProgress({ phase: 'download', loadedBytes: file.size, totalBytes: file.size });
      return file;
    }
    await folder.removeEntry(name);
  }
  const part = await folder.getFileHandle(`${name}.part`, { create: true });
  try {
    // Without a hash nobody could tell that two halves come from different files.
    await downloadToFile(part, url, model.sha256 !== null, onProgress, signal);
  } catch (cause) {
    throw downloadError(cause, url);
  }
  if (model.sha256 !== null) {
    const actual = await hashOf(await part.getFile(), signal);
    if (actual !== model.sha256) {
      await folder.removeEntry(`${name}.part`);
      throw integrityError();
    }
  }
  await part.move(name);
  return await (await folder.getFileHandle(name)).getFile();
}

/** null where the browser keeps no files (Firefox in private windows): the model then lives in memory. */
async function openFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(GGUF_FOLDER, { create: true });
  } catch {
    return null;
  }
}

/** A file with a hash is current by its name. Without one it may have been replaced at its source: ask there. */
async function isCurrent(model: GgufModel, url: string, file: File, signal: AbortSignal): Promise<boolean> {
  if (model.sha256 !== null) return true;
  try {
    const head = await fetch(url, {
      method: 'HEAD',
      cache: 'no-cache',
      signal: AbortSignal.any([signal, AbortSignal.timeout(REVALIDATE_MS)]),
    });
    const length = Number(head.headers.get('content-length') ?? Number.NaN);
    const changed = Date.parse(head.headers.get('last-modified') ?? '');
    return !head.ok || !((length > 0 && length !== file.size) || changed > file.lastModified);
  } catch {
    if (signal.aborted) throw cancelled();
    return true;
  }
}

/** Appends what is missing, if `resume`. A server without ranges is read from the start. */
async function downloadToFile(
  part: FileSystemFileHandle,
  url: string,
  resume: boolean,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  const handle = await part.createSyncAccessHandle();
  try {
    let at = resume ? handle.getSize() : 0;
    const headers: Record<string, string> = at > 0 ? { range: `bytes=${at}-` } : {};
    let response = await fetchFile(url, { headers, signal }, [416]);
    if (response.status === 416) {
      // Either all of it was here already or it was another file: only a fresh start can tell.
      await response.body?.cancel();
      response = await fetchFile(url, { signal });
    }
    if (response.status !== 206) {
      at = 0;
      handle.truncate(0);
    }
    const rest = lengthOf(response);
    const total = rest === null ? null : at + rest;
    if (rest !== null) await requireRoom(rest);
    const report = reporter(onProgress, total);
    report(at, true);
    for await (const chunk of bodyOf(response)) {
      at += handle.write(chunk, { at });
      report(at, false);
    }
    if (total !== null && at !== total) throw truncated(url);
    report(at, true);
    handle.flush();
  } finally {
    handle.close();
  }
}

async function downloadToMemory(
  model: GgufModel,
  url: string,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  try {
    const response = await fetchFile(url, { signal });
    const total = lengthOf(response);
    const report = reporter(onProgress, total);
    for await (const chunk of bodyOf(response)) {
      parts.push(chunk);
      at += chunk.byteLength;
      report(at, false);
    }
    if (total !== null && at !== total) throw truncated(url);
    report(at, true);
  } catch (cause) {
    throw downloadError(cause, url);
  }
  const file = new Blob(parts);
  if (model.sha256 !== null && (await hashOf(file, signal)) !== model.sha256) throw integrityError();
  return file;
}

/** How many bytes are still to come; null for a compressed body, whose length is not that of its file. */
function lengthOf(response: Response): number | null {
  if (response.headers.get('content-encoding') !== null) return null;
  const length = response.headers.get('content-length');
  return length === null ? null : Number(length);
}

function reporter(onProgress: OnProgress, totalBytes: number | null): (loadedBytes: number, now: boolean) => void {
  let last = 0;
  return (loadedBytes, now) => {
    const time = performance.now();
    if (!now && time - last < PROGRESS_EVERY_MS) return;
    last = time;
    onProgress({ phase: 'download', loadedBytes, totalBytes });
  };
}

async function hashOf(file: Blob, signal: AbortSignal): Promise<string> {
  const hash = sha256.create();
  for await (const chunk of bodyOf(new Response(file))) {
    if (signal.aborted) throw cancelled();
    hash.update(chunk);
  }
  return bytesToHex(hash.digest());
}

function integrityError(): MeshError {
  return new MeshError(
    'model_integrity',
    'The downloaded model is not the file that the catalogue names, so it was thrown away. Start again; if this ' +
      'comes back, the mirror or the source is damaged: choose another model.',
  );
}

function truncated(url: string): MeshError {
  return downloadError(new Error('shorter than announced'), url);
}
