/** What Hugging Face, or a mirror of it, says about a repository of models. */
import * as v from 'valibot';
import type { Clock } from '@llmesh/core/base/clock';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { hubFile, type HubFile, type HubQuant } from './model-source.ts';
import { splitParts, withoutPart } from './split-files.ts';
import { broke, TransferError } from './transfer/transfer-error.ts';
import { request } from './transfer/web-request.ts';

const DEFAULT_HUB = 'https://huggingface.co/';
const MANIFESTS = 'llmesh-manifests';
/** A list of a few hundred files is far below it. */
const MAX_PAGE_BYTES = 4_000_000;
/** A quant in a file name: "Q4_K_M", "UD-IQ2_XXS", "BF16". */
const QUANT = /(?:^|[-._/])((?:UD-)?(?:I?Q\d(?:_\w+)?|TQ\d_0|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32))(?=[-._/]|$)/gi;

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const ManifestSchema = v.object({
  ggufFile: v.object({
    rfilename: v.pipe(v.string(), v.maxLength(512), v.endsWith('.gguf')),
    lfs: v.optional(v.object({ sha256: v.optional(sha256) })),
  }),
});
const TreeSchema = v.array(v.object({ type: v.string(), path: v.string(), size: v.optional(v.number()) }));

/** One edition of a model, with all its parts. */
export interface Edition {
  /** The name that `--model` takes. */
  model: string;
  quant: string;
  sizeBytes: number;
}

export class HuggingFace {
  readonly #hub: URL;
  readonly #token: string | null;
  readonly #clock: Clock;

  /** `env`: MODEL_ENDPOINT names a mirror, HF_TOKEN the account. Throws model_download_failed. */
  constructor(env: Readonly<Record<string, string | undefined>>, clock: Clock) {
    const endpoint = env['MODEL_ENDPOINT'] || DEFAULT_HUB;
    if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint)) {
      throw new MeshError('model_download_failed', `MODEL_ENDPOINT must be an address like ${DEFAULT_HUB}`);
    }
    this.#hub = new URL(endpoint.endsWith('/') ? endpoint : `${endpoint}/`);
    this.#token = env['HF_TOKEN'] || null;
    this.#clock = clock;
  }

  /** The address of the file, and the key that may be shown there. */
  address({ repository, revision, file }: HubFile): { url: URL; authorization: string | null } {
    const path = file.split('/').map(encodeURIComponent).join('/');
    return this.#address(`${repository}/resolve/${encodeURIComponent(revision)}/${path}`);
  }

  /** Where a mirror has what `llmesh models manifest --out` wrote about this content; null: this is the hub, which has nothing of it. */
  manifests(content: ContentId): { url: URL; authorization: string | null } | null {
    return this.#hub.href === DEFAULT_HUB ? null : this.#address(`${MANIFESTS}/${content}`);
  }

  /** The file behind a quant, with its checksum where the hub gives it. Throws a TransferError, or cancelled. */
  async find({ repository, quant }: HubQuant, signal: AbortSignal): Promise<HubFile & { sha256: string | null }> {
    const page = await this.#json(`v2/${repository}/manifests/${encodeURIComponent(quant ?? 'latest')}`, signal);
    const manifest = v.safeParse(ManifestSchema, page);
    const file = manifest.success ? hubFile(repository, manifest.output.ggufFile.rfilename) : null;
    if (!manifest.success || file === null) throw broke(`${this.#hub.host} names no file for ${repository}`);
    return { ...file, sha256: manifest.output.ggufFile.lfs?.sha256 ?? null };
  }

  /** The editions of a repository, largest first. Throws a TransferError, or cancelled. */
  async editions(repository: string, signal: AbortSignal): Promise<Edition[]> {
    const tree = v.safeParse(TreeSchema, await this.#json(`api/models/${repository}/tree/main?recursive=true`, signal));
    if (!tree.success) throw broke(`${this.#hub.host} does not list ${repository}`);
    const sizes = new Map(tree.output.map(({ path, size }) => [path, size ?? 0]));
    const firsts = [...sizes.keys()].filter((path) => /\.gguf$/i.test(path) && splitParts(path)[0] === path);
    return firsts
      .flatMap((path) => {
        const quant = quantOf(path);
        // Skip the vision projector: it is not a model.
        if (quant === null || /mmproj/i.test(path) || hubFile(repository, path) === null) return [];
        const sizeBytes = splitParts(path).reduce((sum, part) => sum + (sizes.get(part) ?? 0), 0);
        return [{ model: `hf:${repository}/${path}`, quant, sizeBytes }];
      })
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  }

  #address(path: string): { url: URL; authorization: string | null } {
    const url = new URL(path, this.#hub);
    return { url, authorization: this.#token === null ? null : `Bearer ${this.#token}` };
  }

  async #json(path: string, signal: AbortSignal): Promise<unknown> {
    // The hub names the GGUF file only to llama.cpp: https://github.com/ggml-org/llama.cpp/pull/11195
    const headers = { accept: 'application/json', 'user-agent': 'llama-cpp' };
    const { body, close, url, expectBytes } = await request({ ...this.#address(path), headers }, this.#clock, signal);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      // The whole page must come in this time: it is not a model.
      expectBytes(true);
      for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > MAX_PAGE_BYTES) throw broke(`${url.host} sends far too much`);
        chunks.push(chunk);
      }
      return JSON.parse(Buffer.concat(chunks).toString('utf8'));
    } catch (thrown) {
      if (signal.aborted) throw cancelled();
      if (thrown instanceof TransferError) throw thrown;
      throw broke(`${url.host} sends what cannot be read`, null, thrown);
    } finally {
      close();
    }
  }
}

/** The last quant in the name of the file, or of its folder. */
export function quantOf(path: string): string | null {
  const found = [...withoutPart(path).matchAll(QUANT)].at(-1)?.[1];
  return found === undefined ? null : found.toUpperCase();
}
