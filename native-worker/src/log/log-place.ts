/** Where a log is read from: a mesh, or a folder with its files, as in a backup. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { TileFolder } from '@llmesh/log/node/tile-folder';
import type { FetchFile } from '@llmesh/log/read/verified-tree';
import { localPath } from '../files/local-path.ts';
import { meshAddress } from '../node/mesh-address.ts';
import { codeOf, troubleWords } from '../node/mesh-trouble.ts';
import { webResponse } from '../web/outgoing.ts';

/** A bundle of large events takes a while on a slow line. */
const PATIENCE_MS = 60_000;
/** A mesh says so when it is asked too fast: then we wait, so often at most. */
const MAX_WAITS = 60;
const WAIT_MS = 1_000;

export interface LogPlace {
  /** For a person. */
  readonly name: string;
  /** Null: a folder. */
  readonly mesh: URL | null;
  readonly fetch: FetchFile;
}

/** A folder that there is; else the address of a mesh. Rejects with control_unreachable for what is neither. */
export async function logPlace(text: string): Promise<LogPlace> {
  const folder = await folderAt(text);
  if (folder === null) return meshPlace(meshAddress(text));
  // The data folder of a mesh has the log in a folder of its own.
  const inside = path.join(folder, 'log');
  const tiles = new TileFolder((await folderAt(inside)) === null ? folder : inside);
  const bounded: FetchFile = async (file, maxBytes) => {
    const bytes = await tiles.read(file);
    if (bytes !== null && bytes.byteLength > maxBytes) throw tooLong(file);
    return bytes;
  };
  return { name: folder, mesh: null, fetch: bounded };
}

export function meshPlace(mesh: URL): LogPlace {
  return { name: mesh.origin, mesh, fetch: (file, maxBytes, signal) => fetchFile(mesh, file, maxBytes, signal) };
}

async function fetchFile(mesh: URL, file: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | null> {
  for (let waits = 0; ; waits++) {
    const answer = await once(new URL(`/log/${file}`, mesh), maxBytes, signal);
    if (answer !== 'busy') return answer;
    if (waits === MAX_WAITS)
      throw new MeshError('busy', `${mesh.origin} does not give out its log fast enough. Try again later.`);
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    signal.throwIfAborted();
  }
}

async function once(url: URL, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | null | 'busy'> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const chunks: Buffer[] = [];
  let status: number;
  try {
    const response = await webResponse(url, { signal: patience });
    status = response.statusCode ?? 0;
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw tooLong(url.pathname);
      chunks.push(chunk);
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof MeshError) throw cause;
    const words = troubleWords(url, patience.aborted ? { kind: 'silent' } : { kind: 'error', code: codeOf(cause) });
    throw new MeshError('control_unreachable', words, { cause });
  }
  if (status === 200) return Buffer.concat(chunks);
  if (status === 404) return null;
  if (status === 429 || status === 503) return 'busy';
  throw new MeshError(
    'control_unreachable',
    troubleWords(url, { kind: 'status', status, redirect: null, mesh: false }),
  );
}

async function folderAt(text: string): Promise<string | null> {
  try {
    const folder = path.resolve(localPath(text));
    return (await stat(folder)).isDirectory() ? folder : null;
  } catch {
    // It is not there, or no path at all: then it is the address of a mesh.
    return null;
  }
}

function tooLong(file: string): MeshError {
  return new MeshError('bad_message', `${file} of this log is longer than it can be.`);
}
