/** From what a person writes after `--model` to a file, and what the mesh is told about it. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { GgufFileType, readGgufFileInfo } from 'node-llama-cpp';
import type { Catalogue, GgufModel } from '@llmesh/core/catalogue';
import type { LoadProgress } from '@llmesh/core/engine';
import { MeshError } from '@llmesh/core/errors';
import { isModelId, type ModelId } from '@llmesh/core/ids';
import { download } from './download.ts';
import { hashFile } from './file-hash.ts';
import { checkGgufFile } from './gguf-file.ts';

export interface ResolvedModel {
  path: string;
  id: ModelId;
  name: string;
  quant: string;
  sha256: string;
  /** What the catalogue plans for; null: as the file says. */
  contextTokens: number | null;
}

export interface ResolveOptions {
  catalogue: Catalogue;
  /** Beside the catalogue: sources that begin with `/models/` lie here. */
  modelsFolder: string;
  dataFolder: string;
  /** The mesh's origin, for those that do not. */
  mesh: string;
  onProgress: (progress: LoadProgress) => void;
  signal: AbortSignal;
}

const REMOTE = /^(hf:|https?:\/\/)/;

/**
 * `wanted`: a file, an id of the catalogue, `hf:…` or an http(s) URL. Throws model_not_found, model_unreadable,
 * model_integrity, model_download_failed, storage_full or cancelled.
 */
export async function resolveModel(wanted: string, options: ResolveOptions): Promise<ResolvedModel> {
  const entry = options.catalogue.models.find((model) => model.id === wanted);
  if (entry?.format === 'mlc') {
    throw new MeshError('model_not_found', `${wanted} runs in browsers only. "llmesh models" lists what runs here.`);
  }
  if (entry !== undefined) return fromCatalogue(entry, options);
  if (!REMOTE.test(wanted) && !existsSync(wanted)) {
    throw new MeshError(
      'model_not_found',
      `There is no file and no model in the catalogue called ${wanted}. "llmesh models" lists the catalogue.`,
    );
  }
  const file = REMOTE.test(wanted) ? await fetchModel(wanted, null, options) : path.resolve(wanted);
  await checkGgufFile(file);
  const sha256 = await hashFile(file, options.dataFolder, options.signal);
  const same = options.catalogue.models.find(
    (model): model is GgufModel => model.format === 'gguf' && model.sha256 === sha256,
  );
  if (same !== undefined) return described(same, file, sha256);
  return { path: file, sha256, contextTokens: null, ...(await describeFile(file)) };
}

async function fromCatalogue(entry: GgufModel, options: ResolveOptions): Promise<ResolvedModel> {
  const file = await findEntry(entry, options);
  await checkGgufFile(file);
  const sha256 = await hashFile(file, options.dataFolder, options.signal);
  if (entry.sha256 !== null && entry.sha256 !== sha256) {
    const ours = file.startsWith(downloads(options) + path.sep);
    if (ours) await rm(file);
    throw new MeshError(
      'model_integrity',
      `${file} is not the file that the catalogue names. ${ours ? 'It was deleted; start again to download it anew.' : 'Restore it.'}`,
    );
  }
  return described(entry, file, sha256);
}

async function findEntry(entry: GgufModel, options: ResolveOptions): Promise<string> {
  if (!entry.source.startsWith('/')) return fetchModel(entry.source, entry.sizeBytes, options);
  const local = path.join(options.modelsFolder, entry.source.replace(/^\/models\//, ''));
  if (existsSync(local)) return local;
  return fetchModel(new URL(entry.source, options.mesh).href, entry.sizeBytes, options);
}

function fetchModel(source: string, sizeBytes: number | null, options: ResolveOptions): Promise<string> {
  return download({ source, sizeBytes, folder: downloads(options) }, options.onProgress, options.signal);
}

function downloads({ dataFolder }: ResolveOptions): string {
  return path.join(dataFolder, 'models');
}

function described(entry: GgufModel, file: string, sha256: string): ResolvedModel {
  const { id, name, quant, contextTokens } = entry;
  return { path: file, id, name, quant, sha256, contextTokens };
}

async function describeFile(file: string): Promise<Pick<ResolvedModel, 'id' | 'name' | 'quant'>> {
  const base = path.basename(file).replace(/\.gguf$/i, '');
  const id = slug(base);
  try {
    const { metadata } = await readGgufFileInfo(file, { readTensorInfo: false, logWarnings: false });
    const { name, file_type: fileType } = metadata.general;
    const quant =
      fileType === undefined ? '' : (GgufFileType[fileType] ?? '').replace(/^(MOSTLY|ALL)_/, '').toLowerCase();
    return { id, name: plain(typeof name === 'string' ? name : '') || plain(base), quant: quant.slice(0, 24) };
  } catch (cause) {
    throw new MeshError('model_unreadable', `${file} is damaged or cut short. Download it again.`, { cause });
  }
}

function slug(base: string): ModelId {
  const id = base
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 96);
  return isModelId(id) ? id : ('model' as ModelId);
}

/** One line a person can read: the file may come from anywhere. */
function plain(text: string): string {
  return text.replaceAll(/\p{C}/gu, ' ').trim().slice(0, 80);
}
