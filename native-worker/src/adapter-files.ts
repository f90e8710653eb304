/** From what a person writes after `--lora` to files that were checked, and to which of the lent models they go. */
import { existsSync } from 'node:fs';
import type { GgufFileInfo } from 'node-llama-cpp';
import { realClock } from '@llmesh/core/clock';
import { MeshError } from '@llmesh/core/errors';
import { misfitOf, readAdapter } from './adapter-fit.ts';
import { dataFolder } from './data-folder.ts';
import { fileVersion } from './file-version.ts';
import { isRemote } from './model-source.ts';
import { resolveModel } from './models.ts';
import type { Output } from './output.ts';
import { ProgressReport } from './progress-report.ts';

export interface AdapterFile {
  sha256: string;
  /** For a person. */
  name: string;
  path: string;
  sizeBytes: number;
  /** Of the file when it was hashed: see `fileVersion`. */
  version: string | null;
}

export interface OpenAdaptersOptions {
  /** Each a file, `hf:…` or a URL. */
  lora?: string[];
  mesh: URL;
  data?: string;
}

const NO_CATALOGUE = { models: [] };

interface Read {
  file: AdapterFile;
  info: GgufFileInfo;
}

export class AdapterFiles {
  readonly #all: readonly Read[];
  readonly #models: number;
  #looked = 0;
  readonly #fitting = new Set<AdapterFile>();

  /** `models`: so many are lent, and each adapter has to be for one of them. */
  constructor(all: readonly Read[], models: number) {
    this.#all = all;
    this.#models = models;
  }

  get none(): boolean {
    return this.#all.length === 0;
  }

  /** Those for the next of the models. With the last of them it throws model_unreadable for one that is for none. */
  for(base: GgufFileInfo): AdapterFile[] {
    const looked = this.#all.map(({ file, info }) => ({ file, misfit: misfitOf(info, base) }));
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
    return looked.filter(({ misfit }) => misfit === null).map(({ file }) => file);
  }
}

/** Downloads what is not there. Throws what `resolveModel` and `readAdapter` throw. `models`: so many are lent. */
export async function openAdapters(
  { lora = [], mesh, data }: OpenAdaptersOptions,
  models: number,
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
    const { path, name, sha256, sizeBytes } = await resolveModel(wanted, {
      catalogue: NO_CATALOGUE,
      modelsFolder: '',
      dataFolder: dataFolder(data),
      mesh: mesh.origin,
      onProgress: report.show.bind(report),
      // The disk is looked at by the download; what it takes in memory is planned with the model.
      onSize: async () => {},
      onWait: () => output.note('Another llmesh downloads this adapter already. Waiting for it.'),
      signal,
    });
    const info = await readAdapter(path, name);
    all.set(sha256, { file: { sha256, name, path, sizeBytes, version: await fileVersion(path) }, info });
  }
  return new AdapterFiles([...all.values()], models);
}
