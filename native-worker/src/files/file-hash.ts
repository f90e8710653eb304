/** SHA-256 of model files, which is their name in the mesh. A file of 20 GB is read for it once, not at every start. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { cancelled } from '@llmesh/core/base/errors';
import { makeDataFolder } from './data-folder.ts';
import { openFresh, readOwn } from './own-file.ts';

const CACHE_FILE = 'checksums.json';
const MAX_ENTRIES = 200;
const MAX_CACHE_BYTES = 1_048_576;
const READ_BYTES = 1_048_576;

const EntrySchema = v.object({ sizeBytes: v.number(), modifiedMs: v.number(), sha256: v.string() });
const CacheSchema = v.record(v.string(), EntrySchema);
type Cache = v.InferOutput<typeof CacheSchema>;

/** In hex. `folder`: where results are remembered by path, size and time of change. Rejects with cancelled. */
export async function hashFile(file: string, folder: string, signal: AbortSignal): Promise<string> {
  const absolute = path.resolve(file);
  const { size: sizeBytes, mtimeMs: modifiedMs } = await stat(absolute);
  const known = (await readCache(folder))[absolute];
  if (known !== undefined && known.sizeBytes === sizeBytes && known.modifiedMs === modifiedMs) return known.sha256;
  const sha256 = await digestFile(absolute, signal);
  await remember(absolute, folder, { sizeBytes, modifiedMs, sha256 });
  return sha256;
}

/** Remembers for `hashFile` the hash of a file that was just read. */
export async function rememberHash(file: string, folder: string, sha256: string): Promise<void> {
  const absolute = path.resolve(file);
  const { size: sizeBytes, mtimeMs: modifiedMs } = await stat(absolute);
  await remember(absolute, folder, { sizeBytes, modifiedMs, sha256 });
}

/** In hex. Rejects with cancelled. */
export async function digestFile(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(file, { highWaterMark: READ_BYTES })) {
    if (signal.aborted) throw cancelled();
    hash.update(bytes as Buffer);
  }
  return hash.digest('hex');
}

async function remember(absolute: string, folder: string, entry: Cache[string]): Promise<void> {
  // It is read again, as another worker on this computer may have written meanwhile.
  const { [absolute]: _stale, ...others } = await readCache(folder);
  const entries = [...Object.entries(others), [absolute, entry] as const];
  await writeCache(folder, Object.fromEntries(entries.slice(-MAX_ENTRIES)));
}

/** A cache that is missing or damaged is an empty one: it only saves time. */
async function readCache(folder: string): Promise<Cache> {
  try {
    return v.parse(CacheSchema, JSON.parse(await readOwn(path.join(folder, CACHE_FILE), MAX_CACHE_BYTES)));
  } catch {
    return {};
  }
}

async function writeCache(folder: string, cache: Cache): Promise<void> {
  const file = path.join(folder, CACHE_FILE);
  const draft = `${file}.${process.pid}`;
  try {
    await makeDataFolder(folder);
    const handle = await openFresh(draft);
    try {
      await handle.writeFile(JSON.stringify(cache, null, 2));
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch {
    // A read-only or full disk costs the time to hash again, nothing else.
  }
}
