/** The hub or a mirror as a source of pieces, and what older versions of the page left on this device before them. */
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { CatalogueModel, MlcModel } from '@llmesh/core/policy/catalogue';
import type { WebSource } from '@llmesh/core/models/swarm-port';
import type { EngineSettings } from '../../state/device/engine-settings.ts';
import { bodyOf, downloadError, fetchFile, readSmall } from '../common/download.ts';
import { ggufFileName, ggufUrl, isLibraryOf, mirrored, prebuiltMlcFolder } from '../common/model-url.ts';
import { MLC_CACHES } from '../common/storage-names.ts';
import { openModelFiles } from '../files/open-files.ts';

/** Where the libraries of web-llm's own models are; `engines/catalogue.test.ts` checks that it is. */
export const MLC_LIBRARIES =
  'https://raw.githubusercontent.com/mlc-ai/binary-mlc-llm-libs/main/web-llm-models/v0_2_86/base/';
const MANIFESTS = 'llmesh-manifests';

/** `origin`: the mesh's own, for sources that begin with `/`. */
export function webFiles(model: CatalogueModel, settings: EngineSettings, origin: string): WebSource {
  const kept = model.format === 'gguf' ? keptGguf(ggufFileName(model)) : keptMlc;
  const urlOf = addressesOf(model, settings, origin);
  return {
    async read(_, from, to, signal, path) {
      const url = urlOf(path);
      return (await kept(url, from, to)) ?? (await fetchRange(url, from, to, signal));
    },
    manifest: (signal) => fetchSmall(settings, model, '', signal),
    layer: (file, signal) => fetchSmall(settings, model, `.${file}`, signal),
    chunks: (signal) => fetchSmall(settings, model, '.chunks', signal),
  };
}

function addressesOf(model: CatalogueModel, { mirror }: EngineSettings, origin: string): (path: string) => string {
  if (model.format === 'gguf') {
    const url = ggufUrl(model.source, mirror, origin);
    return () => url;
  }
  const folder = prebuiltMlcFolder(model, mirror);
  return (path) => (isLibrary(model, path) ? mirrored(MLC_LIBRARIES + path, mirror) : folder + path);
}

/** One of web-llm's. Whoever makes models of their own puts the library beside the rest. */
export function isLibrary(model: MlcModel, path: string): boolean {
  return path.endsWith('.wasm') && isLibraryOf(model, `/${path}`);
}

type Kept = (url: string, from: number, to: number) => Promise<Uint8Array<ArrayBuffer> | null>;

/** A file that was begun, or whole, before there was a store. */
function keptGguf(name: string): Kept {
  let begun: Promise<Blob | null> | null = null;
  return async (_, from, to) => {
    begun ??= openModelFiles().then(async (files) => (await (await files.find(name))?.open()) ?? null);
    return await part(await begun, from, to);
  };
}

/** What web-llm keeps in the Cache API. */
const keptMlc: Kept = async (url, from, to) => {
  for (const name of Object.values(MLC_CACHES)) {
    const found = await (await caches.open(name)).match(url);
    if (found !== undefined) return await part(await found.blob(), from, to);
  }
  return null;
};

async function part(file: Blob | null, from: number, to: number): Promise<Uint8Array<ArrayBuffer> | null> {
  if (file === null || file.size < to) return null;
  return new Uint8Array(await file.slice(from, to).arrayBuffer());
}

async function fetchRange(
  url: string,
  from: number,
  to: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetchFile(url, { headers: { range: `bytes=${from}-${to - 1}` }, signal }, [416]);
  if (response.status !== 206) {
    await response.body?.cancel();
    throw response.status === 416 ? another(url) : noParts(url);
  }
  const bytes = new Uint8Array(to - from);
  let at = 0;
  try {
    for await (const chunk of bodyOf(response)) {
      if (at + chunk.byteLength > bytes.byteLength) throw another(url);
      bytes.set(chunk, at);
      at += chunk.byteLength;
    }
  } catch (cause) {
    throw signal.aborted ? cancelled() : downloadError(cause, url);
  }
  if (at < bytes.byteLength) throw downloadError(new TypeError('The answer is shorter than what was asked for.'), url);
  return bytes;
}

/** Null: there is no mirror, or it has none. */
async function fetchSmall(
  { mirror }: EngineSettings,
  model: CatalogueModel,
  end: string,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  if (mirror === null || model.content === undefined) return null;
  const url = `${mirror}/${MANIFESTS}/${model.content}${end}`;
  const response = await fetchFile(url, { signal }, [404]);
  if (response.status !== 404) return await readSmall(response, url);
  await response.body?.cancel();
  return null;
}

function noParts(url: string): MeshError {
  return new MeshError(
    'unsupported',
    `${new URL(url).host} does not send parts of files, so the model comes from volunteers or as a whole. Wait, or choose another mirror.`,
  );
}

function another(url: string): MeshError {
  return new MeshError(
    'model_integrity',
    `${new URL(url).host} has another file than the catalogue names. Choose another model or mirror.`,
  );
}
