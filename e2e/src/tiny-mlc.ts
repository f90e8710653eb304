/** The tiny model as an operator's own MLC model: a folder for web-llm with a library and a manifest, on a mirror. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MlcModel } from '@llmesh/core/policy/catalogue';
import type { ModelId } from '@llmesh/core/base/ids';
import { readGgufHeader } from '@llmesh/core/gguf/gguf-header';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { makeManifest } from '@llmesh/core/models/make-manifest';
import { manifestBytes } from '@llmesh/core/models/manifest';
import { KEPT_LISTS, mlcFilesOf } from '../../web/src/engines/tiny-gpu/mlc-files.ts';
import { ROOT } from './processes.ts';

const SOURCE = 'LLMesh-tiny-q8-MLC';
const LIBRARY = 'tiny-web-llm.wasm';

export interface TinyMlc {
  /** For the catalogue: it pins the content. */
  model: MlcModel;
  /** For a mirror, by path. */
  files: Record<string, Buffer>;
}

/** `source`: the name of the folder at the hub, for models that the catalogue does not pin one that web-llm knows. */
export async function tinyMlc(source = SOURCE): Promise<TinyMlc> {
  const gguf = new Uint8Array(readFileSync(join(ROOT, 'models/tiny/llmesh-tiny.gguf')));
  const read = { sizeBytes: gguf.byteLength, head: async (length: number) => gguf.subarray(0, length) };
  const made = Object.entries(mlcFilesOf(await readGgufHeader(read, KEPT_LISTS), gguf));
  const library = readFileSync(join(ROOT, 'models/tiny/gpu', LIBRARY));
  const files = [
    ...made.map(([path, body]) => ({ path, bytes: Buffer.from(body) })),
    { path: LIBRARY, bytes: library },
  ];
  const sources = files.map(({ path, bytes }) => ({
    path,
    sizeBytes: bytes.byteLength,
    async *read() {
      yield bytes;
    },
  }));
  const { manifest } = await makeManifest('mlc', sources, scriptHasher, { signal: new AbortController().signal });
  const content = contentIdOf(manifest, scriptHasher);
  const folder = `/mlc-ai/${source}/resolve/main/`;
  return {
    model: {
      // Under this id the page knows its answers word for word.
      id: 'llmesh-tiny' as ModelId,
      format: 'mlc',
      name: 'Tiny MLC',
      quant: 'q8',
      summary: 'The tiny model as a folder for graphics cards.',
      parameters: 3_148_032,
      sizeBytes: files.reduce((sum, { bytes }) => sum + bytes.byteLength, 0),
      memoryBytes: 120_000_000,
      contextTokens: 2048,
      licence: 'AGPL-3.0-or-later',
      page: 'https://www.gnu.org/licenses/agpl-3.0.html',
      source,
      f16: false,
      content,
    },
    files: {
      ...Object.fromEntries(files.map(({ path, bytes }) => [folder + path, bytes])),
      // The mirror of the tests has one library for all that ask.
      'library.wasm': library,
      [`/llmesh-manifests/${content}`]: Buffer.from(manifestBytes(manifest)),
    },
  };
}
