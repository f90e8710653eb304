/**
 * GGUF files on this device. A download that breaks off is resumed with a Range request; a file is checked against the
 * catalogue's SHA-256 once, when it is whole. Runs in the worker.
 */
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { BegunFile, KeptFile, ModelFiles } from '../files/model-files.ts';
import type { OnProgress } from './adapter.ts';
import { bodyOf, downloadError, fetchFile } from './download.ts';
import { ggufFileName } from './model-url.ts';
import { requireRoom } from './room.ts';

/** Often enough for a person; more progress events would only cost messages. */
const PROGRESS_EVERY_MS = 100;
const REVALIDATE_MS = 5_000;

/** The model's file, downloaded if it is not here. */
export async function openGguf(
  files: ModelFiles,
  model: GgufModel,
  url: string,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Blob> {
  const name = ggufFileName(model);
  try {
    const kept = await files.find(name);
    if (kept?.whole) {
      if (await isCurrent(model, url, kept, signal)) {
        onProgress({ phase: 'download', loadedBytes: kept.bytes, totalBytes: kept.bytes });
        return await kept.open();
      }
      await files.remove(name);
    }
    await download(files, name, { model, url, onProgress, signal });
    if (!(await isGenuine(files, model, signal))) throw damagedDownload();
    await files.complete(name).catch(async (error: unknown) => {
      await files.remove(name).catch(() => {});
      throw error;
    });
    return await opened(files, name);
  } catch (cause) {
    throw downloadError(cause, url);
  }
}

/**
 * Looks whether a file that was whole once still is: disks lose bytes, too. If not, it is removed. True also for models that no
 * hash describes.
 */
export async function isGenuine(files: ModelFiles, model: GgufModel, signal: AbortSignal): Promise<boolean> {
  if (model.sha256 === null) return true;
  const name = ggufFileName(model);
  if ((await hashOf(await opened(files, name), signal)) === model.sha256) return true;
  await files.remove(name);
  return false;
}

/** A file with a hash is current by its name. Without one it may have been replaced at its source: ask there. */
async function isCurrent(model: GgufModel, url: string, file: KeptFile, signal: AbortSignal): Promise<boolean> {
  if (model.sha256 !== null) return true;
  try {
    const head = await fetch(url, {
      method: 'HEAD',
      cache: 'no-cache',
      signal: AbortSignal.any([signal, AbortSignal.timeout(REVALIDATE_MS)]),
    });
    const length = Number(head.headers.get('content-length') ?? Number.NaN);
    const changed = Date.parse(head.headers.get('last-modified') ?? '');
    return !head.ok || !((length > 0 && length !== file.bytes) || changed > file.writtenAt);
  } catch {
    if (signal.aborted) throw cancelled();
    return true;
  }
}

interface Download {
  model: GgufModel;
  url: string;
  onProgress: OnProgress;
  signal: AbortSignal;
}

/** Writes what is missing. What has arrived stays, unless the disk is full: then others need the room more. */
async function download(files: ModelFiles, name: string, what: Download): Promise<void> {
  const file = await files.begin(name);
  const before = file.bytes;
  try {
    await fetchInto(file, what, files.lasting);
    await file.close();
  } catch (cause) {
    const error = downloadError(cause, what.url);
    const full = error.code === 'storage_full';
    // It is the first error that a person must hear of, whether or not the rest goes well.
    if (full) file.abandon();
    else await file.close().catch(() => file.abandon());
    if (file.bytes === 0 || (full && file.bytes !== before)) await files.remove(name).catch(() => {});
    throw error;
  }
}

/** Appends what is missing. A server without ranges is read from the start. `onDisk`: and not in memory. */
async function fetchInto(file: BegunFile, what: Download, onDisk: boolean): Promise<void> {
  const { model, url, onProgress, signal } = what;
  // Without a hash nobody could tell that two halves come from different files.
  const resumes = model.sha256 !== null && file.bytes > 0;
  const headers: Record<string, string> = resumes ? { range: `bytes=${file.bytes}-` } : {};
  let response = await fetchFile(url, { headers, signal }, [416]);
  if (response.status === 416) {
    // Either all of it was here already or it was another file: only a fresh start can tell.
    await response.body?.cancel();
    response = await fetchFile(url, { signal });
  }
  if (response.status !== 206 && file.bytes > 0) await file.restart();
  const rest = lengthOf(response);
  const total = rest === null ? null : file.bytes + rest;
  if (onDisk) {
    await requireRoom(rest ?? model.sizeBytes).catch(async (error: unknown) => {
      await response.body?.cancel();
      throw error;
    });
  }
  const report = reporter(onProgress, total);
  report(file.bytes, true);
  for await (const chunk of bodyOf(response)) {
    await file.append(chunk);
    report(file.bytes, false);
  }
  if (total !== null && file.bytes !== total) throw new Error('The file is shorter than announced.');
  report(file.bytes, true);
}

async function opened(files: ModelFiles, name: string): Promise<Blob> {
  const file = await files.find(name);
  if (file === null) {
    throw new MeshError('model_integrity', 'The file of this model was deleted meanwhile. Start again to download it.');
  }
  return await file.open();
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

function damagedDownload(): MeshError {
  return new MeshError(
    'model_integrity',
    'The downloaded model is not the file that the catalogue names, so it was thrown away. Start again; if this ' +
      'comes back, the mirror or the source is damaged: choose another model.',
  );
}
