/** Fetches a model file into the data folder, with resume, through node-llama-cpp's downloader. */
import { createHash } from 'node:crypto';
import { mkdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { resolveModelFile } from 'node-llama-cpp';
import type { LoadProgress } from '@llmesh/core/engine';
import { cancelled, MeshError } from '@llmesh/core/errors';

export interface DownloadRequest {
  /** `hf:user/model/file.gguf` or an http(s) URL. MODEL_ENDPOINT names a mirror for the first kind. */
  source: string;
  folder: string;
  /** As the catalogue says; null when nobody knows. */
  sizeBytes: number | null;
}

/** Path of the file; one that is there already is not fetched again. Throws model_download_failed, storage_full or cancelled. */
export async function download(
  { source, folder, sizeBytes }: DownloadRequest,
  onProgress: (progress: LoadProgress) => void,
  signal: AbortSignal,
): Promise<string> {
  if (signal.aborted) throw cancelled();
  await makeFolder(folder);
  const where = { directory: folder, cli: false, ...fileName(source) };
  const there = await resolveModelFile(source, { ...where, download: false }).catch(() => null);
  if (there !== null) return there;
  if (sizeBytes !== null) await checkRoom(folder, sizeBytes);
  try {
    const file = await resolveModelFile(source, {
      ...where,
      deleteTempFileOnCancel: false,
      onProgress: ({ downloadedSize, totalSize }) =>
        onProgress({ phase: 'download', loadedBytes: downloadedSize, totalBytes: totalSize || sizeBytes }),
      signal,
    });
    // An aborted download resolves.
    if (signal.aborted) throw cancelled();
    return file;
  } catch (thrown) {
    if (signal.aborted) throw cancelled();
    if (systemCode(thrown) === 'ENOSPC') throw storageFull(folder, thrown);
    throw new MeshError(
      'model_download_failed',
      `The model could not be downloaded from ${source}. Check your connection and start again: it goes on where it stopped.`,
      { cause: thrown },
    );
  }
}

/**
 * Under a name of our own a file from a URL is found again without a question to its server. The library has good
 * names for `hf:` and needs its own for files in parts.
 */
function fileName(source: string): { fileName?: string } {
  if (source.startsWith('hf:') || /-of-\d+\.gguf$/.test(source)) return {};
  const base = path.posix.basename(new URL(source).pathname).replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return { fileName: `${createHash('sha256').update(source).digest('hex').slice(0, 8)}-${base}` };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new MeshError('storage_full', `The folder ${folder} cannot be written. Give another one with --data.`, {
      cause,
    });
  }
}

async function checkRoom(folder: string, sizeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < sizeBytes) throw storageFull(folder);
}

function storageFull(folder: string, cause?: unknown): MeshError {
  return new MeshError(
    'storage_full',
    `There is not enough room on the disk of ${folder}. Free some, or give another folder with --data.`,
    {
      cause,
    },
  );
}

function systemCode(thrown: unknown): unknown {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && error.code !== undefined) return error.code;
  }
  return undefined;
}
