import { expect, it } from 'vitest';
import { canonical } from '../wire/canonical.ts';
import { contentIdOf, manifestOf } from './content-id.ts';
import { scriptHasher } from './hasher.ts';
import { MAX_CONTENT_BYTES, manifestBytes, readManifest, type ManifestFile } from './manifest.ts';

const file = (more: Partial<ManifestFile> = {}): ManifestFile => ({
  path: 'model.gguf',
  sizeBytes: 5,
  sha256: new Uint8Array(32).fill(1),
  root: new Uint8Array(32).fill(2),
  ...more,
});
const read = (...files: ManifestFile[]) => readManifest(manifestBytes({ format: 'gguf', files }));

it('is read as it was written, and has one content id', () => {
  const manifest = { format: 'mlc' as const, files: [file({ path: 'a.json' }), file({ path: 'params/shard_0.bin' })] };
  const bytes = manifestBytes(manifest);
  expect(readManifest(bytes)).toEqual(manifest);
  const content = contentIdOf(manifest, scriptHasher);
  expect(manifestOf(content, bytes, scriptHasher)).toEqual(manifest);
  const other = manifestBytes({ ...manifest, format: 'gguf' });
  expect(manifestOf(content, other, scriptHasher)).toBeNull();
});

it.each([
  ['../model.gguf'],
  ['/etc/passwd'],
  ['a/../b'],
  ['a/b/c'],
  ['a//b'],
  ['a\\b'],
  ['.hidden'],
  ['ends.'],
  [''],
  ['con'],
  ['NUL.gguf'],
  ['lpt1'],
  ['with space'],
  ['line\nbreak'],
  ['null\0byte'],
  ['ünïcode'],
  ['x'.repeat(161)],
  ['c:model'],
  ['~'],
])('has no file named %j', (path) => {
  expect(read(file({ path }))).toBeNull();
});

it.each([
  ['empty', [file({ sizeBytes: 0 })]],
  ['negative', [file({ sizeBytes: -1 })]],
  ['of half a byte', [file({ sizeBytes: 1.5 })]],
  ['larger than any model', [file({ sizeBytes: MAX_CONTENT_BYTES + 1 })]],
  ['together larger than any model', [file({ sizeBytes: MAX_CONTENT_BYTES }), file({ path: 'other', sizeBytes: 1 })]],
])('has no file that is %s', (_what, files) => {
  // The encoder writes what the reader then refuses.
  expect(read(...files)).toBeNull();
});

it('has no two files that some systems keep as one, nor one that is the folder of another', () => {
  expect(read(file({ path: 'a.bin' }), file({ path: 'A.BIN' }))).toBeNull();
  expect(read(file({ path: 'a' }), file({ path: 'a/b' }))).toBeNull();
  expect(read(file({ path: 'A' }), file({ path: 'a/b' }))).toBeNull();
});

it('has at least one file and at most as many as a folder of shards', () => {
  expect(read()).toBeNull();
  const many = (count: number) => Array.from({ length: count }, (_, i) => file({ path: `shard-${i}` }));
  expect(read(...many(1_024))).not.toBeNull();
  expect(read(...many(1_025))).toBeNull();
});

it('is nothing else that looks like it', () => {
  const tuple = ['model.gguf', 5, new Uint8Array(32), new Uint8Array(32)];
  expect(readManifest(canonical(['llmesh-manifest', 1, 'gguf', [tuple]]))).not.toBeNull();
  expect(readManifest(canonical(['llmesh-receipt', 1, 'gguf', [tuple]]))).toBeNull();
  expect(readManifest(canonical(['llmesh-manifest', 2, 'gguf', [tuple]]))).toBeNull();
  expect(readManifest(canonical(['llmesh-manifest', 1, 'exe', [tuple]]))).toBeNull();
  expect(readManifest(canonical(['llmesh-manifest', 1, 'gguf', [[...tuple, 1]]]))).toBeNull();
  expect(
    readManifest(canonical(['llmesh-manifest', 1, 'gguf', [['a', 5, new Uint8Array(31), new Uint8Array(32)]]])),
  ).toBeNull();
  expect(readManifest(new Uint8Array(300_000))).toBeNull();
});
