/**
 * `llmesh-mirror.json` at the root of a model mirror: SRI hashes of what it carries. It guards against damaged copies;
 * against a mirror that lies, only hashes from somewhere else would help, and web-llm's list has none.
 */
import { MeshError } from '@llmesh/core/base/errors';
import * as v from 'valibot';
import { fetchFile, readSmall } from './download.ts';
import { MLC_CACHES } from './storage-names.ts';

const sri = v.pipe(v.string(), v.regex(/^sha(256|384|512)-[A-Za-z0-9+/]+={0,2}$/));
const files = v.record(v.string(), sri);

export const MirrorManifestSchema = v.object({
  /** Entries by web-llm's `model_id`. */
  models: v.record(
    v.string(),
    v.object({
      /** web-llm itself checks these. */
      integrity: v.optional(
        v.object({ config: v.optional(sri), model_lib: v.optional(sri), tokenizer: v.optional(files) }),
      ),
      /** Hashes by `dataPath` of the tensor cache. web-llm does not check shards, so the downloader does. */
      shards: v.optional(files),
    }),
  ),
});
export type MirrorManifest = v.InferOutput<typeof MirrorManifestSchema>;
export type MirrorEntry = MirrorManifest['models'][string];

/**
 * What the mirror says about one model; an empty entry when it says nothing. While the mirror is away, what it said last
 * still holds: a model that is on this device must start without it.
 */
export async function readMirrorEntry(
  mirror: string | null,
  modelId: string,
  signal: AbortSignal,
): Promise<MirrorEntry> {
  if (mirror === null) return {};
  const url = `${mirror}/llmesh-mirror.json`;
  const kept = await caches.open(MLC_CACHES.config);
  const answered = await fetchFile(url, { cache: 'no-cache', signal }, [404]).then(
    async (response) => ({ status: response.status, bytes: await readSmall(response, url) }),
    async (error: unknown) => {
      const before = signal.aborted ? undefined : await kept.match(url);
      if (before === undefined) throw error;
      return { status: 200, bytes: await readSmall(before, url) };
    },
  );
  if (answered.status === 404) {
    await kept.delete(url);
    return {};
  }
  const manifest = parsed(answered.bytes);
  await kept.put(url, new Response(answered.bytes));
  return manifest.models[modelId] ?? {};
}

function parsed(bytes: Uint8Array<ArrayBuffer>): MirrorManifest {
  try {
    return v.parse(MirrorManifestSchema, JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new MeshError(
      'model_download_failed',
      'The model mirror has a llmesh-mirror.json that cannot be read. Its operator must repair it, or clear the mirror in the settings.',
      { cause },
    );
  }
}
