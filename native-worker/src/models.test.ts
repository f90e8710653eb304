import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Catalogue, GgufModel } from '@llmesh/core/catalogue';
import type { LoadProgress } from '@llmesh/core/engine';
import type { ModelId } from '@llmesh/core/ids';
import { resolveModel, type ResolveOptions } from './models.ts';

const bytes = readFileSync(fileURLToPath(new URL('../../models/tiny/llmesh-tiny.gguf', import.meta.url)));
const sha256 = createHash('sha256').update(bytes).digest('hex');

describe('resolveModel', () => {
  let folder: string;
  let options: ResolveOptions;
  let entry: GgufModel;
  let progress: LoadProgress[];
  let mirror: Server;
  let origin: string;
  let asked: string[];

  beforeAll(async () => {
    mirror = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (!request.url?.split('?')[0]?.endsWith('.gguf')) {
        response.writeHead(404).end();
        return;
      }
      const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
      const from = Number(range?.[1] ?? 0);
      const to = Math.min(range?.[2] ? Number(range[2]) : bytes.length - 1, bytes.length - 1);
      response.writeHead(range ? 206 : 200, {
        'accept-ranges': 'bytes',
        'content-length': to - from + 1,
        ...(range && { 'content-range': `bytes ${from}-${to}/${bytes.length}` }),
      });
      response.end(request.method === 'HEAD' ? undefined : bytes.subarray(from, to + 1));
    });
    await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
  });
  afterAll(() => mirror.close());

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-models-'));
    progress = [];
    asked = [];
    entry = {
      id: 'some-model' as ModelId,
      format: 'gguf',
      name: 'Some model',
      quant: 'q8',
      summary: '',
      parameters: 1,
      sizeBytes: bytes.length,
      memoryBytes: 1,
      contextTokens: 1024,
      licence: 'AGPL-3.0-or-later',
      page: 'https://example.org/',
      source: '/models/some/file.gguf',
      sha256,
    };
    options = {
      catalogue: { models: [entry] } satisfies Catalogue,
      modelsFolder: path.join(folder, 'shipped'),
      dataFolder: path.join(folder, 'data'),
      mesh: origin,
      onProgress: (step) => progress.push(step),
      signal: new AbortController().signal,
    };
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  const put = (name: string, content: Uint8Array | string = bytes): string => {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
  };

  it('names a file of the catalogue by its checksum, whatever it is called', async () => {
    const model = await resolveModel(put('renamed.gguf'), options);
    expect(model).toMatchObject({ id: 'some-model', name: 'Some model', quant: 'q8', sha256, contextTokens: 1024 });
  });

  it('describes an unknown file by what it says itself', async () => {
    entry.sha256 = null;
    const model = await resolveModel(put('My model (v2)!.gguf'), options);
    expect(model).toMatchObject({ id: 'My-model-v2-', name: 'LLMesh tiny', sha256, contextTokens: null });
    expect(model.quant).toMatch(/^(q8_0|f16)$/);
  });

  it.each([
    ['no-such-model', 'model_not_found'],
    ['./no/such/file.gguf', 'model_not_found'],
  ])('says that there is no %s', async (wanted, code) => {
    await expect(resolveModel(wanted, options)).rejects.toMatchObject({ code });
  });

  it('refuses a file that is no model', async () => {
    await expect(resolveModel(put('page.gguf', '<html>'), options)).rejects.toMatchObject({ code: 'model_unreadable' });
  });

  it('downloads what the catalogue names, shows the bytes, and does so once', async () => {
    const first = await resolveModel('some-model', options);
    expect(readFileSync(first.path).equals(bytes)).toBe(true);
    expect(progress.at(-1)).toEqual({ phase: 'download', loadedBytes: bytes.length, totalBytes: bytes.length });
    asked = [];
    expect((await resolveModel('some-model', options)).path).toBe(first.path);
    expect(asked).toEqual([]);
  });

  it('takes hf: sources from the mirror in MODEL_ENDPOINT', async () => {
    vi.stubEnv('MODEL_ENDPOINT', origin);
    entry.source = 'hf:user/model/folder/file.gguf';
    await resolveModel('some-model', options);
    expect(asked.some((url) => url.startsWith('/user/model/resolve/main/folder/file.gguf'))).toBe(true);
  });

  it('deletes a download whose checksum is wrong', async () => {
    entry.sha256 = 'a'.repeat(64);
    await expect(resolveModel('some-model', options)).rejects.toMatchObject({ code: 'model_integrity' });
    expect(readdirSync(path.join(options.dataFolder, 'models'))).toEqual([]);
    entry.sha256 = sha256;
    await expect(resolveModel('some-model', options)).resolves.toMatchObject({ sha256 });
  });

  it('says when a download fails, and when the disk has no room', async () => {
    entry.source = '/models/not-there.bin';
    await expect(resolveModel('some-model', options)).rejects.toMatchObject({ code: 'model_download_failed' });
    entry.source = '/models/some/file.gguf';
    entry.sizeBytes = Number.MAX_SAFE_INTEGER;
    await expect(resolveModel('some-model', options)).rejects.toMatchObject({ code: 'storage_full' });
  });

  it('gives up a download when it is cancelled', async () => {
    const abort = new AbortController();
    const model = resolveModel('some-model', { ...options, onProgress: () => abort.abort(), signal: abort.signal });
    await expect(model).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('takes a file that is shipped without asking anyone, and never deletes it', async () => {
    const shipped = path.join(options.modelsFolder, 'some');
    mkdirSync(shipped, { recursive: true });
    copyFileSync(put('copy.gguf'), path.join(shipped, 'file.gguf'));
    await expect(resolveModel('some-model', options)).resolves.toMatchObject({ path: path.join(shipped, 'file.gguf') });
    expect(asked).toEqual([]);
    entry.sha256 = 'a'.repeat(64);
    await expect(resolveModel('some-model', options)).rejects.toMatchObject({ code: 'model_integrity' });
    expect(existsSync(path.join(shipped, 'file.gguf'))).toBe(true);
  });
});
