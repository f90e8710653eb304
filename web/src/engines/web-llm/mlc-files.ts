/**
 * Downloads an MLC model into the caches that web-llm reads, ahead of it. web-llm can do this itself, but
 * reports neither bytes nor statuses, and checks no shard.
 */
import type { ModelRecord } from '@mlc-ai/web-llm';
import { MeshError } from '@llmesh/core/base/errors';
import * as v from 'valibot';
import type { OnProgress } from '../common/adapter.ts';
import { bodyOf, downloadError, fetchFile, fileName, readSmall } from '../common/download.ts';
import type { MirrorEntry } from '../common/mirror-manifest.ts';
import { mlcFolder } from '../common/model-url.ts';
import { requireRoom } from '../common/room.ts';
import { MLC_CACHES } from '../common/storage-names.ts';
import { forgetModel } from './mlc-record.ts';
import { matchesSri } from '../common/sri.ts';

const [CONFIG, TENSOR_CACHE] = ['mlc-chat-config.json', 'tensor-cache.json'];
const PARALLEL = 4;
const PROGRESS_EVERY_MS = 100;

const ConfigSchema = v.object({ tokenizer_files: v.array(v.string()) });
const ShardSchema = v.object({
  dataPath: v.pipe(v.string(), v.regex(/^[\w.-]+$/)),
  nbytes: v.pipe(v.number(), v.integer()),
});
const TensorCacheSchema = v.object({ records: v.pipe(v.array(ShardSchema), v.minLength(1)) });
type Shard = v.InferOutput<typeof ShardSchema>;

/** Resolves with the bytes of all shards when everything is in the caches. */
export async function fetchMlcFiles(
  record: ModelRecord,
  pins: MirrorEntry,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await fetchFiles(record, pins, onProgress, signal);
  } catch (cause) {
    const error = downloadError(cause, mlcFolder(record.model));
    // The disk became full on the way: what there is of the model helps nobody, and others need the room.
    if (error.code === 'storage_full' && error.cause !== undefined) await forgetModel(record).catch(() => {});
    throw error;
  }
}

async function fetchFiles(
  record: ModelRecord,
  pins: MirrorEntry,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<number> {
  const folder = mlcFolder(record.model);
  const { config, manifest } = await readBoth(folder, signal);
  const total = manifest.records.reduce((sum, shard) => sum + shard.nbytes, 0);
  onProgress({ phase: 'download', loadedBytes: 0, totalBytes: total });
  await keepSmall(MLC_CACHES.model, `${folder}${tokenizerOf(config)}`, signal);
  await keepSmall(MLC_CACHES.wasm, record.model_lib, signal);
  await fetchShards(folder, manifest.records, pins.shards ?? {}, total, onProgress, signal);
  return total;
}

/** The names of the files that `fetchMlcFiles` put into the caches, but for the library. */
export async function filesOf(
  record: ModelRecord,
  signal: AbortSignal,
): Promise<{ config: string[]; weights: string[] }> {
  const { config, manifest } = await readBoth(mlcFolder(record.model), signal);
  const shards = new Set(manifest.records.map(({ dataPath }) => dataPath));
  return { config: [CONFIG], weights: [TENSOR_CACHE, tokenizerOf(config), ...shards] };
}

async function readBoth(folder: string, signal: AbortSignal) {
  const config = await readJson(MLC_CACHES.config, folder + CONFIG, ConfigSchema, signal);
  const manifest = await readJson(MLC_CACHES.model, folder + TENSOR_CACHE, TensorCacheSchema, signal);
  return { config, manifest };
}

function tokenizerOf(config: v.InferOutput<typeof ConfigSchema>): string {
  return config.tokenizer_files.includes('tokenizer.json') ? 'tokenizer.json' : 'tokenizer.model';
}

async function fetchShards(
  folder: string,
  shards: readonly Shard[],
  pins: Record<string, string>,
  total: number,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<void> {
  const cache = await caches.open(MLC_CACHES.model);
  const have = new Set((await cache.keys()).map((request) => request.url));
  const missing = shards.filter((shard) => !have.has(`${folder}${shard.dataPath}`));
  let loaded = total - missing.reduce((sum, shard) => sum + shard.nbytes, 0);
  await requireRoom(total - loaded);
  let last = 0;
  const add = (bytes: number) => {
    loaded += bytes;
    const time = performance.now();
    if (time - last < PROGRESS_EVERY_MS && loaded < total) return;
    last = time;
    onProgress({ phase: 'download', loadedBytes: loaded, totalBytes: total });
  };
  add(0);
  // One failure stops the other downloads too; complete files are kept for the next try.
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const lanes = Array.from({ length: PARALLEL }, async () => {
    for (let shard = missing.shift(); shard !== undefined; shard = missing.shift()) {
      const url = `${folder}${shard.dataPath}`;
      await fetchShard(cache, url, shard, pins[shard.dataPath], add, either);
    }
  });
  try {
    await Promise.all(lanes);
  } catch (error) {
    failed.abort();
    await Promise.allSettled(lanes);
    throw error;
  }
}

async function fetchShard(
  cache: Cache,
  url: string,
  shard: Shard,
  pin: string | undefined,
  add: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetchFile(url, { signal });
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    for await (const part of bodyOf(response)) {
      bytes += part.byteLength;
      if (bytes > shard.nbytes) break;
      parts.push(part);
      add(part.byteLength);
    }
  } catch (cause) {
    throw downloadError(cause, url);
  }
  if (bytes !== shard.nbytes) {
    throw damaged(url, `${fileName(url)} does not have the ${shard.nbytes} bytes that the model's manifest names`);
  }
  const whole = new Blob(parts);
  if (pin !== undefined && !(await matchesSri(await whole.arrayBuffer(), pin))) {
    throw damaged(url, `${fileName(url)} does not match its checksum`);
  }
  await put(cache, url, whole, shard.nbytes);
}

/** A small file that web-llm will read; put into the cache if it is not there yet. */
async function keepSmall(cacheName: string, url: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const cache = await caches.open(cacheName);
  // web-llm bypasses its cache for libraries of a local server, so our copy must not hide that one is missing.
  const fresh = cacheName === MLC_CACHES.wasm && url.includes('localhost');
  const kept = fresh ? undefined : await cache.match(url);
  if (kept !== undefined) return await readSmall(kept, url);
  const bytes = await readSmall(await fetchFile(url, { signal }), url);
  await put(cache, url, bytes, bytes.byteLength);
  return bytes;
}

async function readJson<S extends v.GenericSchema>(
  cacheName: string,
  url: string,
  schema: S,
  signal: AbortSignal,
): Promise<v.InferOutput<S>> {
  const text = new TextDecoder().decode(await keepSmall(cacheName, url, signal));
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    await (await caches.open(cacheName)).delete(url);
    throw new MeshError(
      'model_unreadable',
      `${fileName(url)} of this model cannot be read. Start again; if this comes back, choose another model or mirror.`,
      { cause },
    );
  }
}

async function put(cache: Cache, url: string, body: BodyInit, length: number): Promise<void> {
  try {
    await cache.put(url, new Response(body, { headers: { 'content-length': String(length) } }));
  } catch (cause) {
    throw downloadError(cause, url);
  }
}

function damaged(url: string, what: string): MeshError {
  return new MeshError(
    'model_integrity',
    `The download from ${new URL(url).host} is damaged: ${what}. It was thrown away. Start again; if this comes back, ` +
      'choose another model or mirror.',
  );
}
