/** A model of random bytes on the disk, with its manifest. */
import { randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { contentIdOf } from '@llmesh/core/models/content-id';
import { makeManifest } from '@llmesh/core/models/make-manifest';
import { nodeHasher } from 'llmesh/models/pieces/node-hasher';
import type { BenchModel } from './messages.ts';

const CHUNK_BYTES = 1_048_576;

export async function benchModel(path: string, sizeBytes: number): Promise<BenchModel> {
  const file = await open(path, 'w');
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) {
    randomFillSync(chunk);
    await file.write(chunk, 0, Math.min(CHUNK_BYTES, sizeBytes - at));
  }
  await file.close();
  const source = { path: 'model.gguf', sizeBytes, read: () => createReadStream(path) };
  const signal = new AbortController().signal;
  const made = await makeManifest('gguf', [source], nodeHasher, { signal });
  // Node's hashes are Buffers, which mean nothing to a browser.
  const files = made.manifest.files.map((one) => ({
    ...one,
    sha256: new Uint8Array(one.sha256),
    root: new Uint8Array(one.root),
  }));
  const manifest = { ...made.manifest, files };
  return { content: contentIdOf(manifest, nodeHasher), manifest, layers: made.layers, path, sizeBytes };
}
