/**
 * A file that a catalogue calls a GGUF, with SYNTHETIC bytes: it can be fetched and checked like any other, and no engine reads it.
 */
import { randomBytes } from 'node:crypto';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ModelId } from '@llmesh/core/base/ids';
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { makeManifest, type MadeManifest } from '@llmesh/core/models/make-manifest';
import { manifestBytes } from '@llmesh/core/models/manifest';

export interface MadeGguf extends MadeManifest {
  /** For the catalogue: it pins the content. */
  model: GgufModel;
  /** Where a mirror has it. */
  path: string;
  /** For a mirror, by path: the file, its manifest and the hashes of its pieces. */
  files: Record<string, Buffer>;
}

export async function madeGguf(sizeBytes: number): Promise<MadeGguf> {
  const bytes = randomBytes(sizeBytes);
  const source = {
    path: 'model.gguf',
    sizeBytes,
    async *read() {
      yield bytes;
    },
  };
  const { manifest, layers } = await makeManifest('gguf', [source], scriptHasher, {
    signal: new AbortController().signal,
  });
  const content = contentIdOf(manifest, scriptHasher);
  const path = '/made/model/resolve/main/made.gguf';
  return {
    manifest,
    layers,
    path,
    model: {
      id: 'made' as ModelId,
      format: 'gguf',
      name: 'Made',
      quant: 'q4',
      summary: 'Bytes of chance.',
      parameters: 10_000_000,
      sizeBytes,
      memoryBytes: 100_000_000,
      contextTokens: 2048,
      licence: 'AGPL-3.0-or-later',
      page: 'https://www.gnu.org/licenses/agpl-3.0.html',
      source: 'hf:made/model/made.gguf',
      sha256: bytesToHex(manifest.files[0]?.sha256 ?? new Uint8Array()),
      content,
    },
    files: {
      [path]: bytes,
      [`/llmesh-manifests/${content}`]: Buffer.from(manifestBytes(manifest)),
      [`/llmesh-manifests/${content}.0`]: Buffer.from(layers[0] ?? []),
    },
  };
}
