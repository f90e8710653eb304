/** Turns what a person writes after `--lora` into checked files, and finds the lent models that they are for. */
import { existsSync } from 'node:fs';
import type { GgufFileInfo } from 'node-llama-cpp';
import { realClock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { MAX_BROUGHT_BYTES } from '@llmesh/core/gguf/lora';
import { adapterBaseOf, misfitOf, readAdapter } from './adapter-fit.ts';
import { AdapterSource } from './adapter-source.ts';
import { dataFolder } from '../../files/data-folder.ts';
import { fileVersion } from '../../files/file-version.ts';
import { isEmbedder } from '../../llama/context/gguf-pooling.ts';
import type { ModelPeers } from '../model-peers.ts';
import { isRemote } from '../model-source.ts';
import { isPublic, resolveModel } from '../models.ts';
import type { Output } from '../../cli/output.ts';
import { ProgressReport } from '../../cli/progress-report.ts';
import { type AdapterFile, type LentAdapters, MAX_FETCHED_BYTES } from '../adapter-file.ts';
import type { SharedAdapters } from '../pieces/shared-adapters.ts';
import type { VisitorAdapters } from './visitor-adapters.ts';

export interface OpenAdaptersOptions {
  /** Each is a file, `hf:…` or a URL. */
  lora?: string[];
  /** How many are in memory at once. */
  loraCap?: number;
  /** The address from which others are fetched when they are asked for: see `AdapterSource`. */
  loraFrom?: URL;
  mesh: URL;
  data?: string;
}

const VECTORS = 'is for models that chat, and this one turns text into vectors';
const NO_CATALOGUE = { models: [] };

interface Read {
  file: AdapterFile;
  info: GgufFileInfo;
  /** See `isPublic` of `models.ts`. Left out: no. */
  isPublic?: boolean;
}

export class AdapterFiles {
  readonly #all: readonly Read[];
  readonly #models: number;
  readonly #cap: number | undefined;
  readonly #source: AdapterSource | null;
  readonly #visitors: Pick<VisitorAdapters, 'find'> | null;
  #looked = 0;
  readonly #fitting = new Set<AdapterFile>();

  /** `models`: how many are lent; each adapter has to be for one of them. */
  constructor(
    all: readonly Read[],
    models: number,
    {
      cap,
      source = null,
      visitors = null,
    }: { cap?: number; source?: AdapterSource | null; visitors?: Pick<VisitorAdapters, 'find'> | null } = {},
  ) {
    this.#all = all;
    this.#models = models;
    this.#cap = cap;
    this.#source = source;
    this.#visitors = visitors;
  }

  /** Those with which models are lent from the beginning, as files that others may be given. */
  get given(): { name: string; file: string; isPublic: boolean }[] {
    return this.#all.map(({ file, isPublic = false }) => ({ name: file.name, file: file.path, isPublic }));
  }

  /** Whether there are no adapters at all. */
  get none(): boolean {
    return this.#all.length === 0 && this.#source === null && this.#visitors === null;
  }

  /** Idempotent. */
  close(): void {
    this.#source?.close();
  }

  /** The adapters for the next model; null: none. At the last model it throws model_unreadable for one that fits none. */
  for(base: GgufFileInfo): LentAdapters | null {
    const embeds = isEmbedder(base);
    const looked = this.#all.map(({ file, info }) => ({ file, misfit: embeds ? VECTORS : misfitOf(info, base) }));
    for (const { file, misfit } of looked) if (misfit === null) this.#fitting.add(file);
    this.#looked += 1;
    const stray = looked.find(({ file }) => !this.#fitting.has(file));
    if (this.#looked >= this.#models && stray !== undefined) {
      const { name } = stray.file;
      const which = this.#models === 1 ? 'this model' : 'any of these models';
      throw new MeshError(
        'model_unreadable',
        `The adapter ${name} is not for ${which}: it ${stray.misfit}. Leave it out, or lend the model that it is made for.`,
      );
    }
    const files = looked.filter(({ misfit }) => misfit === null).map(({ file }) => file);
    const source = this.#source;
    const takes = this.#visitors === null ? null : adapterBaseOf(base);
    const visitors = takes === null ? null : this.#visitors;
    const isChosen = files.length > 0 || source !== null;
    if (embeds || (!isChosen && visitors === null)) return null;
    const fetch = async (sha256: string, signal: AbortSignal) => {
      const brought = visitors?.find(sha256) ?? null;
      if (brought !== null) return brought;
      if (source === null) throw new MeshError('unsupported', 'This volunteer does not have that adapter.');
      return source.fetch(sha256, base, signal);
    };
    return {
      files,
      ...(this.#cap !== undefined && { cap: this.#cap }),
      ...((source !== null || visitors !== null) && { fetch }),
      ...(source === null ? { mostBytes: MAX_BROUGHT_BYTES } : { mostBytes: MAX_FETCHED_BYTES, fetchesAny: true }),
      ...(takes !== null && { takes }),
      ...(!isChosen && { isOptional: true }),
    };
  }
}

export interface AdapterWays {
  peers: ModelPeers | null;
  visitors?: VisitorAdapters | null;
  /** Left out: what questions name comes from its address alone. */
  shared?: SharedAdapters;
}

/** Downloads what is missing. Throws what `resolveModel` and `readAdapter` throw. `models`: how many are lent. */
export async function openAdapters(
  { lora = [], loraCap, loraFrom, mesh, data }: OpenAdaptersOptions,
  models: number,
  { peers, visitors = null, shared }: AdapterWays,
  output: Output,
  signal: AbortSignal,
): Promise<AdapterFiles> {
  const all = new Map<string, Read>();
  for (const wanted of lora) {
    if (!isRemote(wanted) && !existsSync(wanted)) {
      throw new MeshError(
        'model_not_found',
        `There is no file ${wanted}. --lora takes a file, an https: address or hf:user/model/file.gguf.`,
      );
    }
    const report = new ProgressReport(output, realClock);
    const resolved = await resolveModel(wanted, {
      catalogue: NO_CATALOGUE,
      modelsFolder: '',
      dataFolder: dataFolder(data),
      mesh: mesh.origin,
      onProgress: report.show.bind(report),
      // The download checks the disk; the memory is planned together with the model.
      onSize: async () => {},
      onWait: () => output.note('Another llmesh downloads this adapter already. Waiting for it.'),
      peers,
      signal,
    });
    const { path, name, sha256, sizeBytes } = resolved;
    const info = await readAdapter(path, name, signal);
    const file = { sha256, name, path, sizeBytes, version: await fileVersion(path) };
    all.set(sha256, { file, info, isPublic: isPublic(resolved, process.env) });
  }
  const failed = ({ message }: MeshError) => output.note(message);
  return new AdapterFiles([...all.values()], models, {
    visitors,
    ...(loraCap !== undefined && { cap: loraCap }),
    ...(loraFrom !== undefined && {
      source: new AdapterSource({ base: loraFrom, dataFolder: dataFolder(data), failed, ...(shared && { shared }) }),
    }),
  });
}
