import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseCatalogue } from '@llmesh/core/policy/catalogue';
import type { ContentId } from '@llmesh/core/base/ids';
import { ChunkList, unpackLists } from '@llmesh/core/models/chunk-list';
import { manifestOf } from '@llmesh/core/models/content-id';
import { rootOf } from '@llmesh/core/models/merkle';
import { modelsFolder } from '../../models/catalogue-file.ts';
import { nodeHasher } from '../../models/pieces/node-hasher.ts';
import type { Output } from '../../cli/output.ts';
import { showManifest } from './manifest-command.ts';

interface Shown {
  content: ContentId;
  format: string;
  files: { path: string; sizeBytes: number; sha256: string; root: string }[];
}

const tiny = path.join(modelsFolder(), 'tiny', 'llmesh-tiny.gguf');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-manifest-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function manifestFor(place: string, out?: string): Promise<Shown> {
  const shown: object[] = [];
  const output = { json: true, print: (_: string, data: object) => shown.push(data) } as unknown as Output;
  await showManifest(place, out, output);
  return shown.at(-1) as Shown;
}

it('is what the catalogue pins for the model that comes with LLMesh, whatever its file is called', async () => {
  const pinned = parseCatalogue(JSON.parse(readFileSync(path.join(modelsFolder(), 'catalogue.json'), 'utf8')));
  const entry = pinned.models.find(({ id }) => id === 'llmesh-tiny');
  const renamed = path.join(folder, 'other.gguf');
  copyFileSync(tiny, renamed);
  expect(await manifestFor(renamed)).toMatchObject({ content: entry?.content, format: 'gguf' });
});

it('is written as mirrors serve it: canonical bytes, and the hashes of the pieces that its roots cover', async () => {
  const { content, files } = await manifestFor(tiny, folder);
  const manifest = manifestOf(content, new Uint8Array(readFileSync(path.join(folder, content))), nodeHasher);
  expect(manifest?.files.map(({ path: name }) => name)).toEqual(['model.gguf']);
  const root = rootOf(new Uint8Array(readFileSync(path.join(folder, `${content}.0`))), nodeHasher);
  expect(Buffer.from(root).toString('hex')).toBe(files[0]?.root);
  const lists = unpackLists(new Uint8Array(readFileSync(path.join(folder, `${content}.chunks`))), [
    statSync(tiny).size,
  ]);
  expect(ChunkList.read(lists?.[0] ?? new Uint8Array(), statSync(tiny).size)?.count).toBeGreaterThan(20);
});

it('takes of a folder for web-llm what it reads, and says what is missing', async () => {
  const put = (name: string, text = name) => writeFileSync(path.join(folder, name), text);
  await expect(manifestFor(folder)).rejects.toMatchObject({ code: 'model_unreadable' });
  for (const name of ['mlc-chat-config.json', 'tokenizer.json', 'README.md', 'params_shard_0.bin', 'model.wasm'])
    put(name);
  put('tensor-cache.json', JSON.stringify({ records: [{ dataPath: 'params_shard_0.bin' }] }));
  const { format, files } = await manifestFor(folder);
  expect(format).toBe('mlc');
  expect(files.map(({ path: name }) => name)).toEqual([
    'mlc-chat-config.json',
    'model.wasm',
    'params_shard_0.bin',
    'tensor-cache.json',
    'tokenizer.json',
  ]);
  put('other.wasm');
  await expect(manifestFor(folder)).rejects.toMatchObject({ code: 'model_unreadable' });
  rmSync(path.join(folder, 'other.wasm'));
  put('tensor-cache.json', JSON.stringify({ records: [{ dataPath: '../../etc/hostname' }] }));
  await expect(manifestFor(folder)).rejects.toThrow();
});

it('is of nothing that is no model', async () => {
  await expect(manifestFor(path.join(folder, 'missing'))).rejects.toMatchObject({ code: 'model_not_found' });
  mkdirSync(path.join(folder, 'empty'));
  await expect(manifestFor(path.join(folder, 'empty'))).rejects.toMatchObject({ code: 'model_unreadable' });
});
