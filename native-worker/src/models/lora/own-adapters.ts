/**
 * Adapters that whoever asks from this computer brings along: looked at here, given to those who got a question with them, and to
 * nobody else. The files stay where they are, and nothing is given any more when the program ends.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ControlClient } from '@llmesh/core/control/control';
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { loraMisfit, type Lora } from '@llmesh/core/gguf/lora';
import { plainName } from '@llmesh/core/gguf/own-file';
import { readOwnLora } from '@llmesh/core/gguf/own-lora';
import type { ModelSharing } from '@llmesh/core/mesh';
import { offerName } from '@llmesh/core/policy/offer-name';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { FilePieceStore } from '../pieces/file-piece-store.ts';
import { describeFiles, manifestNames } from '../pieces/adopt.ts';
import { nodeHasher } from '../pieces/node-hasher.ts';

/** What a person writes: a file, or a name for it, `=` and the file. */
const NAMED = /^([\p{L}\p{N}][\p{L}\p{N}._-]{0,59})=(.+)$/u;
/** So that others get nothing: what a question brings does not depend on it. */
const LENDS_NOTHING = { seeding: false, bytesPerSecond: null, bytesPerDay: null };

export interface OwnAdapter {
  /** As requests call it. */
  name: string;
  sha256: string;
  /** Under which it is given. */
  content: ContentId;
  sizeBytes: number;
  lora: Lora;
}

export class OwnAdapters {
  readonly all: readonly OwnAdapter[];
  readonly #folder: string;
  readonly #store: FilePieceStore;

  private constructor(all: readonly OwnAdapter[], folder: string, store: FilePieceStore) {
    this.all = all;
    this.#folder = folder;
    this.#store = store;
  }

  /**
   * `wanted`: each a file, or `name=file`. Rejects with model_not_found, model_unreadable in words for people, or cancelled.
   * Close it when nobody is to get them any more.
   */
  static async open(wanted: readonly string[], signal: AbortSignal): Promise<OwnAdapters> {
    // What is known of the pieces, and nothing else: it goes with the program.
    const folder = await mkdtemp(path.join(os.tmpdir(), 'llmesh-adapters-'));
    try {
      const store = new FilePieceStore(folder);
      const all: OwnAdapter[] = [];
      for (const text of wanted) {
        const [, called, named] = NAMED.exec(text) ?? [];
        // A file may have such a name itself.
        const file = named === undefined || existsSync(text) ? text : named;
        const name = file === text || called === undefined ? plainName(file) : called;
        if (all.some((other) => other.name === name)) throw twice(name);
        all.push(await take(store, { file, name }, signal));
      }
      return new OwnAdapters(all, folder, store);
    } catch (thrown) {
      await rm(folder, { recursive: true, force: true });
      throw thrown;
    }
  }

  /** For the peer that asks with them. */
  readonly sharing = (control: ControlClient): ModelSharing => ({
    store: this.#store,
    holders: control,
    hasher: nodeHasher,
    limits: () => LENDS_NOTHING,
    // Who asks with one hears of it.
    failed: () => {},
  });

  /** Idempotent. */
  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Why this model cannot be asked with it, as a sentence; null: nothing speaks against it. */
export function whyNotWith({ name, lora }: OwnAdapter, offer: Offer): string | null {
  if (offer.takesAdapters === undefined) return `Nobody takes adapters for ${offerName(offer)} right now.`;
  const misfit = loraMisfit(lora, offer.takesAdapters);
  return misfit === null ? null : `${name} is not for ${offerName(offer)}: it ${misfit}`;
}

async function take(
  store: FilePieceStore,
  { file, name }: { file: string; name: string },
  signal: AbortSignal,
): Promise<OwnAdapter> {
  const lora = await look(file, name);
  const [only = ''] = manifestNames('adapter', 1);
  const made = await describeFiles('adapter', [{ file: path.resolve(file), name: only }], { signal });
  await store.adopt(made.content, made.manifest, made.layers, made.placed);
  const { sha256, sizeBytes } = made.manifest.files[0]!;
  return { name, sha256: Buffer.from(sha256).toString('hex'), content: made.content, sizeBytes, lora };
}

async function look(file: string, name: string): Promise<Lora> {
  // Before it is opened: a pipe would keep us waiting.
  const stats = await stat(file).catch(unopened(file));
  if (!stats.isFile()) throw new MeshError('model_not_found', `${file} is no file. Name an adapter as a GGUF file.`);
  const handle = await open(file, 'r').catch(unopened(file));
  try {
    const read = async (from: number, to: number) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - from), 0, to - from, from);
      return buffer.subarray(0, bytesRead);
    };
    return await readOwnLora({ name, sizeBytes: stats.size, read });
  } finally {
    await handle.close();
  }
}

function unopened(file: string): (cause: unknown) => never {
  return (cause) => {
    const message = `${file} cannot be opened. Check that it is there, and who may read it.`;
    throw new MeshError('model_not_found', message, { cause });
  };
}

function twice(name: string): MeshError {
  return new MeshError(
    'model_unreadable',
    `Two adapters are called ${name}. Give one of them another name: --lora another-name=file.gguf`,
  );
}
