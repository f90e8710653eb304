/** `llmesh models manifest`: what a model consists of, to the byte, and the content id by which anybody can check it. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { realClock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { manifestBytes, type Manifest } from '@llmesh/core/models/manifest';
import type { Output } from '../../cli/output.ts';
import { ProgressReport } from '../../cli/progress-report.ts';
import { isAdapter } from '../../models/lora/adapter-fit.ts';
import { checkGgufFile } from '../../models/gguf-file.ts';
import { readGgufInfo } from '../../models/gguf-info.ts';
import { describeFiles, manifestNames } from '../../models/pieces/adopt.ts';
import { cutFiles } from '../../models/pieces/cut-files.ts';
import { splitParts } from '../../models/split-files.ts';

const CONFIG = 'mlc-chat-config.json';
const CACHES = ['tensor-cache.json', 'ndarray-cache.json'];
const TOKENIZERS = ['tokenizer.json', 'tokenizer.model'];
const MAX_CACHE_BYTES = 16_777_216;
const CacheSchema = v.object({ records: v.array(v.object({ dataPath: v.string() })) });

interface Named {
  file: string;
  name: string;
}

/**
 * `place`: a GGUF file, the first of several parts, an adapter, or a folder as MLC makes them. With `out`, the canonical bytes
 * go into that folder under the content id, and beside them the hashes of the pieces of each file and where its chunks end, for a
 * mirror to serve: whoever has an older version fetches only what changed.
 * Throws model_not_found and model_unreadable.
 */
export async function showManifest(place: string, out: string | undefined, output: Output): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const { format, files } = await filesOf(place);
    const sizes = await Promise.all(files.map(async ({ file }) => (await stat(file)).size));
    const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
    const report = new ProgressReport(output, realClock);
    const { content, manifest, layers } = await describeFiles(format, files, {
      signal: stop.signal,
      onProgress: (loadedBytes) => report.show({ phase: 'start', loadedBytes, totalBytes }),
    });
    if (out !== undefined) {
      await mkdir(out, { recursive: true });
      await writeFile(path.join(out, content), manifestBytes(manifest));
      for (const [i, layer] of layers.entries()) await writeFile(path.join(out, `${content}.${i}`), layer);
      const chunks = await cutFiles({ files: files.map(({ file }) => file), gently: false }, stop.signal);
      await writeFile(path.join(out, `${content}.chunks`), chunks);
    }
    const shown = {
      content,
      format,
      files: manifest.files.map(({ sha256, root, ...file }) => ({ ...file, sha256: hex(sha256), root: hex(root) })),
    };
    output.print(JSON.stringify(shown, null, 2), shown);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function filesOf(place: string): Promise<{ format: Manifest['format']; files: Named[] }> {
  const there = await stat(place).catch(() => null);
  if (there === null) throw new MeshError('model_not_found', `There is no file or folder ${place}.`);
  if (there.isDirectory()) return { format: 'mlc', files: await mlcFiles(place) };
  await checkGgufFile(place);
  const folder = path.dirname(place);
  const files = splitParts(path.basename(place)).map((name) => path.join(folder, name));
  const format = isAdapter(await readGgufInfo(place)) ? 'adapter' : 'gguf';
  const names = manifestNames(format, files.length);
  return { format, files: files.map((file, i) => ({ file, name: names[i] ?? '' })) };
}

/** What web-llm reads of such a folder and nothing else, by name: everybody gets the same content id. */
async function mlcFiles(folder: string): Promise<Named[]> {
  const there = await readdir(folder);
  const cache = CACHES.find((name) => there.includes(name));
  const tokenizers = TOKENIZERS.filter((name) => there.includes(name));
  const libraries = there.filter((name) => name.endsWith('.wasm'));
  if (!there.includes(CONFIG) || cache === undefined || tokenizers.length === 0) {
    throw new MeshError(
      'model_unreadable',
      `${folder} is no model for web-llm: it needs ${CONFIG}, ${CACHES[0]} and a tokenizer.`,
    );
  }
  if (libraries.length > 1) {
    throw new MeshError(
      'model_unreadable',
      `${folder} has several libraries (*.wasm). Leave the one that belongs to the model.`,
    );
  }
  const names = [CONFIG, cache, ...tokenizers, ...libraries, ...(await shardsOf(path.join(folder, cache)))];
  return [...new Set(names)].toSorted().map((name) => ({ file: path.join(folder, name), name }));
}

async function shardsOf(cache: string): Promise<string[]> {
  try {
    if ((await stat(cache)).size > MAX_CACHE_BYTES) throw new Error('it is too large');
    const { records } = v.parse(CacheSchema, JSON.parse(await readFile(cache, 'utf8')));
    return records.map(({ dataPath }) => dataPath);
  } catch (cause) {
    throw new MeshError('model_unreadable', `${cache} cannot be read: download the model again.`, { cause });
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
