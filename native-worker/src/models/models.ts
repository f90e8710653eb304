/** Turns what a person writes after `--model` into files, and into what the mesh is told about them. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { GgufFileType } from 'node-llama-cpp';
import type { Catalogue, GgufModel } from '@llmesh/core/policy/catalogue';
import { realClock } from '@llmesh/core/base/clock';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import { asMeshError, cancelled, MeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import { asLabel } from '@llmesh/core/base/label';
import { MAX_NAME_CHARACTERS, MAX_QUANT_CHARACTERS } from '@llmesh/core/wire/model-advert';
import { download, type DownloadRequest } from './download.ts';
import type { ModelPeers } from './model-peers.ts';
import { hashFile } from '../files/file-hash.ts';
import { checkGgufFile } from './gguf-file.ts';
import { readHeaders } from './gguf-info.ts';
import { HuggingFace } from './hugging-face.ts';
import { modelIdOf } from './model-id.ts';
import { isRemote, parseModelSource, shownSource, sourceFile, sourceName, type HubQuant } from './model-source.ts';
import { findStored, stemName, use, type StoredModel } from './model-store.ts';
import { Patience, patiently } from './transfer/patience.ts';
import { splitParts, withoutPart } from './split-files.ts';
import { explainTransfer } from './transfer/transfer-error.ts';

export interface ResolvedModel {
  /** The first file, which llama.cpp is given. */
  path: string;
  id: ModelId;
  name: string;
  quant: string;
  /** The SHA-256 of the file; for a model in parts, that of their checksums. */
  sha256: string;
  /** The size of all files together. */
  sizeBytes: number;
  /** Whether the catalogue names its checksum; nobody knows what is in any other file. */
  isKnown: boolean;
  /** The context that the catalogue plans for; null: the file decides. */
  contextTokens: number | null;
  /** Where it can be downloaded again; null: it is a file of this computer. */
  source: string | null;
  /** All of its files, in order. */
  files: string[];
}

export interface ResolveOptions {
  catalogue: Catalogue;
  /** The folder beside the catalogue, where sources that begin with `/models/` lie. */
  modelsFolder: string;
  dataFolder: string;
  /** The mesh's origin, for sources that do not. */
  mesh: string;
  onProgress: (progress: LoadProgress) => void;
  /** Told the size before a download; may reject, which ends it. */
  onSize: (sizeBytes: number) => Promise<void>;
  /** Told that another process of this computer downloads the same model. */
  onWait: () => void;
  /** See `DownloadTarget`. */
  note?: (text: string) => void;
  /** Null: models come from the web alone. */
  peers: ModelPeers | null;
  signal: AbortSignal;
}

interface Located {
  file: string;
  /** null: it is the owner's own file, given by its path. */
  stored: StoredModel | null;
  entry: GgufModel | null;
  source: string | null;
}

/**
 * `wanted`: a file, an id of the catalogue, `hf:…` or an http(s) URL. Throws model_not_found, model_unreadable,
 * model_integrity, model_download_failed, storage_full or cancelled.
 */
export async function resolveModel(wanted: string, options: ResolveOptions): Promise<ResolvedModel> {
  const located = await locate(wanted, options);
  try {
    return await examine(located, options);
  } catch (thrown) {
    if (located.stored === null || !(thrown instanceof MeshError) || thrown.code !== 'model_unreadable') throw thrown;
    const name = shownSource(wanted);
    throw new MeshError(
      'model_unreadable',
      `What was downloaded as ${name} is not a model that runs here. Remove it with "llmesh models rm ${name}" and choose another.`,
      { cause: thrown },
    );
  }
}

/** Downloads what is missing. Throws as `resolveModel` does, and model_not_found for a file. */
export async function pullModel(wanted: string, options: ResolveOptions): Promise<ResolvedModel> {
  if (!isRemote(wanted) && entryOf(options.catalogue, wanted) === null && existsSync(wanted)) {
    throw new MeshError('model_not_found', `${wanted} is on this computer already. Use it with --model.`);
  }
  return resolveModel(wanted, options);
}

/** The model of the catalogue with this id; null: there is none. Throws model_not_found for one that runs elsewhere. */
export function entryOf(catalogue: Catalogue, wanted: string): GgufModel | null {
  const entry = catalogue.models.find((model) => model.id === wanted);
  if (entry?.format === 'mlc') {
    throw new MeshError('model_not_found', `${wanted} runs in browsers only. "llmesh models" lists what runs here.`);
  }
  return entry ?? null;
}

/** The path of a model of the catalogue that came with LLMesh; null: it did not. */
export function shippedFile({ source }: GgufModel, modelsFolder: string): string | null {
  if (!source.startsWith('/')) return null;
  const file = path.join(modelsFolder, source.replace(/^\/models\//, ''));
  return existsSync(file) ? file : null;
}

/** The address from which it is downloaded. */
export function entrySource({ source }: GgufModel, mesh: string): string {
  return source.startsWith('/') ? new URL(source, mesh).href : source;
}

/**
 * Anybody can have it: the catalogue names it, or it came from the web without a key of the owner's. Files of their own are
 * nobody else's, and a key may stand for a licence that was accepted.
 */
export function isPublic(
  { isKnown, source }: ResolvedModel,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return isKnown || (source !== null && !env['HF_TOKEN']);
}

export function storeFolder(dataFolder: string): string {
  return path.join(dataFolder, 'models');
}

async function examine(located: Located, options: ResolveOptions): Promise<ResolvedModel> {
  const { file, stored } = located;
  const names = splitParts(path.basename(file));
  const sums: string[] = [];
  let sizeBytes = 0;
  for (const [i, name] of names.entries()) {
    const part = path.join(path.dirname(file), name);
    sizeBytes += await checkGgufFile(part);
    const sha256 = await hashFile(part, options.dataFolder, options.signal);
    const expected = stored?.record?.files[i]?.sha256 ?? (names.length === 1 ? located.entry?.sha256 : null) ?? null;
    if (expected !== null && expected !== sha256) throw await damaged(part, stored !== null);
    sums.push(sha256);
  }
  const sha256 = sums.length === 1 ? (sums[0] ?? '') : createHash('sha256').update(sums.join('\n')).digest('hex');
  const entry = located.entry ?? catalogued(options.catalogue, sha256);
  const files = names.map((name) => path.join(path.dirname(file), name));
  const common = { path: file, files, sha256, sizeBytes, source: located.source };
  if (entry !== null) {
    const { id, name, quant, contextTokens } = entry;
    return { ...common, id, name, quant, contextTokens, isKnown: entry.sha256 === sha256 };
  }
  const base = withoutPart(stored?.record ? fetchedName(stored) : path.basename(file));
  return { ...common, contextTokens: null, isKnown: false, ...(await describeFile(file, base, sha256)) };
}

async function locate(wanted: string, options: ResolveOptions): Promise<Located> {
  const entry = entryOf(options.catalogue, wanted);
  if (entry !== null) {
    const shipped = shippedFile(entry, options.modelsFolder);
    if (shipped !== null) return { file: shipped, stored: null, entry, source: null };
    const source = entrySource(entry, options.mesh);
    const stored = await fetchModel(source, entry, options);
    return { file: stored.file, stored, entry, source };
  }
  if (isRemote(wanted)) {
    const stored = await fetchModel(wanted, null, options);
    return { file: stored.file, stored, entry: null, source: stored.record?.source ?? wanted };
  }
  if (existsSync(wanted)) return { file: path.resolve(wanted), stored: null, entry: null, source: null };
  throw new MeshError(
    'model_not_found',
    `Neither a file nor a model of the catalogue is called ${wanted}. "llmesh models" lists the catalogue.`,
  );
}

async function fetchModel(asked: string, entry: GgufModel | null, options: ResolveOptions): Promise<StoredModel> {
  const { dataFolder, signal, onProgress, onSize, onWait, note, peers } = options;
  const folder = storeFolder(dataFolder);
  const source = parseModelSource(asked);
  // This comes before any request to a server: a model on the disk works without a network.
  const there = await findStored(folder, source.kind === 'hub-quant' ? asked : sourceName(source));
  if (there !== null) {
    await use(folder, there);
    return there;
  }
  const hub = new HuggingFace(process.env, realClock);
  const wanted: DownloadRequest =
    source.kind === 'hub-quant'
      ? await ofQuant(source, asked, hub, signal)
      : { source, asked, sha256: entry?.sha256 ?? null, content: entry?.content, sizeBytes: entry?.sizeBytes };
  return download(
    wanted,
    { folder, dataFolder, hub, onProgress, onSize, onWait, peers, ...(note && { note }) },
    signal,
  );
}

async function ofQuant(
  quant: HubQuant,
  asked: string,
  hub: HuggingFace,
  signal: AbortSignal,
): Promise<DownloadRequest> {
  try {
    const patience = new Patience(realClock, Math.random);
    const { sha256, ...source } = await patiently(() => hub.find(quant, signal), patience, signal);
    return { source, asked, sha256 };
  } catch (thrown) {
    if (signal.aborted) throw cancelled();
    const error = explainTransfer(thrown, asked);
    if (error.code !== 'model_not_found') throw error;
    throw await withQuants(error, quant, hub, signal);
  }
}

/** The error, with what is available instead. */
async function withQuants(
  error: MeshError,
  quant: HubQuant,
  hub: HuggingFace,
  signal: AbortSignal,
): Promise<MeshError> {
  try {
    const quants = (await hub.editions(quant.repository, signal)).map((edition) => edition.quant);
    if (quants.length === 0) return error;
    const message = `hf:${quant.repository} has no ${quant.quant ?? 'usual edition'}. It has ${[...new Set(quants)].join(', ')}.`;
    return new MeshError('model_not_found', message, { cause: error });
  } catch {
    // Without a list there is no such repository either, or a mirror that lists nothing.
    return error;
  }
}

async function damaged(file: string, ours: boolean): Promise<MeshError> {
  if (ours) await rm(file);
  return new MeshError(
    'model_integrity',
    `${file} is not what it should be. ${ours ? 'It was deleted; start again to download it once more.' : 'Restore it.'}`,
  );
}

function catalogued(catalogue: Catalogue, sha256: string): GgufModel | null {
  const same = catalogue.models.find((model) => model.format === 'gguf' && model.sha256 === sha256);
  return same?.format === 'gguf' ? same : null;
}

/** Its name at its origin: the store keeps only some letters. */
function fetchedName({ stem, record }: StoredModel): string {
  const source = record === null ? null : parseModelSource(record.source);
  if (source === null || source.kind === 'hub-quant' || source.kind === 'content') return stemName(stem);
  return sourceFile(source);
}

async function describeFile(
  file: string,
  base: string,
  sha256: string,
): Promise<Pick<ResolvedModel, 'id' | 'name' | 'quant'>> {
  const id = modelIdOf(base, sha256);
  try {
    const [{ fields }] = await readHeaders(file);
    const [name, fileType] = ['general.name', 'general.file_type'].map((key) => fields.get(key)?.value);
    const quant =
      typeof fileType !== 'number' ? '' : (GgufFileType[fileType] ?? '').replace(/^(MOSTLY|ALL)_/, '').toLowerCase();
    // The file may come from anywhere.
    const called = asLabel(typeof name === 'string' ? name : '', MAX_NAME_CHARACTERS);
    const said = called || asLabel(base, MAX_NAME_CHARACTERS) || id;
    return { id, name: said, quant: asLabel(quant, MAX_QUANT_CHARACTERS) };
  } catch (cause) {
    throw asMeshError(cause, 'model_unreadable', `${file} is damaged or cut short. Download it again.`);
  }
}
