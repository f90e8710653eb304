/** Where the files of a model are. Pure, so that the page, the worker and the tests agree. */
import type { CatalogueModel, MlcModel } from '@llmesh/core/policy/catalogue';
import { MeshError } from '@llmesh/core/base/errors';

export const HUGGING_FACE = 'https://huggingface.co';
const MIRRORED_ORIGINS = new Set([HUGGING_FACE, 'https://raw.githubusercontent.com']);
const HF_SOURCE = /^hf:([\w.-]+\/[\w.-]+)\/(.+)$/;

/** The same path on the mirror, for the hosts that a mirror replaces. */
export function mirrored(url: string, mirror: string | null): string {
  if (mirror === null) return url;
  const { origin, pathname, search } = new URL(url);
  return MIRRORED_ORIGINS.has(origin) ? `${mirror}${pathname}${search}` : url;
}

/** The one file of a GGUF model. `origin`: the mesh's own, for sources that begin with `/`. */
export function ggufUrl(source: string, mirror: string | null, origin: string): string {
  if (source.startsWith('/')) return new URL(source, origin).href;
  const hf = HF_SOURCE.exec(source);
  if (hf !== null) return mirrored(`${HUGGING_FACE}/${hf[1]}/resolve/main/${hf[2]}`, mirror);
  if (source.startsWith('https://')) return mirrored(source, mirror);
  throw new MeshError('model_not_found', `The catalogue has no usable address for this model: ${source}`);
}

/** The folder of an MLC model as web-llm resolves it: ends in `/resolve/main/` unless it names a branch itself. */
export function mlcFolder(model: string): string {
  const folder = model.endsWith('/') ? model : `${model}/`;
  return /.+\/resolve\/.+\//.test(folder) ? folder : `${folder}resolve/main/`;
}

/** Where web-llm's prebuilt models are. Every `source` in the catalogue follows it (a test checks that). */
export function prebuiltMlcFolder(model: Pick<MlcModel, 'source'>, mirror: string | null): string {
  return mlcFolder(mirrored(`${HUGGING_FACE}/mlc-ai/${model.source}`, mirror));
}

/** Libraries are named after their model, with what they were compiled for behind an underscore, some without dots. */
export function isLibraryOf(model: Pick<MlcModel, 'source'>, url: string): boolean {
  const name = model.source.replace(/-MLC$/, '').replaceAll('.', '_');
  return url.replaceAll('.', '_').includes(`/${name}_`);
}

/** The file name of a GGUF on this device: another hash is another file. */
export function ggufFileName(model: Pick<CatalogueModel, 'id'> & { sha256: string | null }): string {
  return `${model.id}.${model.sha256?.slice(0, 16) ?? 'unhashed'}.gguf`;
}
