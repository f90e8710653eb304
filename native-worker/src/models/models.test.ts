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
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Catalogue, GgufModel } from '@llmesh/core/policy/catalogue';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import { MeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import { resolveModel, type ResolveOptions } from './models.ts';
import { ModelMirror } from '../testing/model-mirror.ts';

const bytes = readFileSync(fileURLToPath(new URL('../../../models/tiny/llmesh-tiny.gguf', import.meta.url)));
const sha256 = createHash('sha256').update(bytes).digest('hex');

describe('resolveModel', () => {
  let folder: string;
  let options: ResolveOptions;
  let entry: GgufModel;
  let progress: LoadProgress[];
  let mirror: ModelMirror;

  beforeAll(async () => {
    mirror = await new ModelMirror().listen();
    mirror.files.set('/models/some/file.gguf', bytes);
    mirror.files.set('/user/model/resolve/main/folder/file.gguf', bytes);
    mirror.files.set('/user/model/resolve/main/model-Q4_K_M.gguf', bytes);
    mirror.pages.set('/v2/user/model/manifests/Q4_K_M', {
      ggufFile: { rfilename: 'model-Q4_K_M.gguf', size: bytes.length, lfs: { sha256 } },
    });
    mirror.pages.set('/v2/user/model/manifests/latest', { ggufFile: { rfilename: 'folder/file.gguf' } });
  });
  afterAll(() => mirror.close());

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-models-'));
    progress = [];
    mirror.requests.length = 0;
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
      mesh: mirror.origin,
      onProgress: (step) => progress.push(step),
      onSize: async () => {},
      onWait: () => {},
      peers: null,
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
    expect(model).toMatchObject({ id: 'My-model-v2', name: 'LLMesh tiny', sha256, contextTokens: null });
    expect(model.quant).toMatch(/^(q8_0|f16)$/);
  });

  it.each([
    ['no-such-model', 'model_not_found'],
    ['./no/such/file.gguf', 'model_not_found'],
  ])('says that there is no %s', async (wanted, code) => {
    await expect(resolveModel(wanted, options)).rejects.toMatchObject({ code });
  });

  it('refuses a file that is not a model', async () => {
    await expect(resolveModel(put('page.gguf', '<html>'), options)).rejects.toMatchObject({ code: 'model_unreadable' });
  });

  it('downloads what the catalogue names, shows the bytes, and does so once', async () => {
    const first = await resolveModel('some-model', options);
    expect(readFileSync(first.path).equals(bytes)).toBe(true);
    expect(progress.at(-1)).toEqual({ phase: 'download', loadedBytes: bytes.length, totalBytes: bytes.length });
    mirror.requests.length = 0;
    expect((await resolveModel('some-model', options)).path).toBe(first.path);
    expect(mirror.requests).toEqual([]);
  });

  describe('from the mirror of Hugging Face in MODEL_ENDPOINT', () => {
    beforeEach(() => vi.stubEnv('MODEL_ENDPOINT', mirror.origin));

    it('takes a file', async () => {
      entry.source = 'hf:user/model/folder/file.gguf';
      await expect(resolveModel('some-model', options)).resolves.toMatchObject({ id: 'some-model', sha256 });
      expect(mirror.requests.at(-1)?.path).toBe('/cdn/user/model/resolve/main/folder/file.gguf');
    });

    it('takes a quant, finds it again without a network, and names it by its file', async () => {
      entry.sha256 = null;
      const first = await resolveModel('hf:user/model:Q4_K_M', options);
      expect(first).toMatchObject({ id: 'model-Q4_K_M', source: 'hf:user/model/model-Q4_K_M.gguf' });
      vi.stubEnv('MODEL_ENDPOINT', 'http://127.0.0.1:1');
      expect(await resolveModel('hf:user/model:Q4_K_M', options)).toEqual(first);
      expect(await resolveModel('hf:user/model/model-Q4_K_M.gguf', options)).toEqual(first);
    });

    it('takes what the hub thinks is usual', async () => {
      await expect(resolveModel('hf:user/model', options)).resolves.toMatchObject({ sha256 });
    });

    it('says which quants there are', async () => {
      mirror.pages.set('/api/models/user/model/tree/main', [
        { type: 'file', path: 'model-Q8_0.gguf', size: 20 },
        { type: 'file', path: 'model-Q4_K_M.gguf', size: 10 },
      ]);
      await expect(resolveModel('hf:user/model:Q2_K', options)).rejects.toMatchObject({
        code: 'model_not_found',
        message: 'hf:user/model has no Q2_K. It has Q8_0, Q4_K_M.',
      });
      mirror.pages.delete('/api/models/user/model/tree/main');
    });

    it.each(['hf:user/model:Q2_K', 'hf:user', 'hf:../../etc', 'hf:user/model/../x.gguf'])(
      'finds no %s',
      async (wanted) => {
        await expect(resolveModel(wanted, options)).rejects.toMatchObject({ code: 'model_not_found' });
      },
    );

    it('asks before it downloads whether the model can be used at all', async () => {
      const sizes: number[] = [];
      const tooLarge = new MeshError('out_of_memory', 'Too large.');
      const onSize = (sizeBytes: number) => {
        sizes.push(sizeBytes);
        return Promise.reject(tooLarge);
      };
      await expect(resolveModel('hf:user/model', { ...options, onSize })).rejects.toBe(tooLarge);
      expect(sizes).toEqual([bytes.length]);
      expect(readdirSync(path.join(options.dataFolder, 'models'))).toEqual([]);
    });
  });

  it('deletes a download whose checksum is wrong', async () => {
    entry.sha256 = 'a'.repeat(64);
    await expect(resolveModel('some-model', options)).rejects.toMatchObject({ code: 'model_integrity' });
    entry.sha256 = sha256;
    await expect(resolveModel('some-model', options)).resolves.toMatchObject({ sha256 });
  });

  it('deletes a downloaded file that was damaged since', async () => {
    const { path: file } = await resolveModel('some-model', options);
    writeFileSync(file, Buffer.concat([bytes.subarray(0, 1_000_000), Buffer.alloc(bytes.length - 1_000_000)]));
    await expect(resolveModel('some-model', options)).rejects.toMatchObject({ code: 'model_integrity' });
    expect(existsSync(file)).toBe(false);
    await expect(resolveModel('some-model', options)).resolves.toMatchObject({ sha256 });
  });

  it('says how to get rid of a download that is not a model', async () => {
    mirror.files.set('/page.gguf', Buffer.from('<html>'));
    const wanted = `${mirror.origin}/page.gguf`;
    await expect(resolveModel(wanted, options)).rejects.toMatchObject({
      code: 'model_unreadable',
      message: expect.stringContaining(`llmesh models rm ${wanted}`),
    });
  });

  it('says when a server has no such file, and refuses a password in an address', async () => {
    entry.source = '/models/not-there.bin';
    await expect(resolveModel('some-model', options)).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(resolveModel('https://me:secret@example.org/x.gguf', options)).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.not.stringContaining('secret'),
    });
  });

  it('wants all parts of a model, and gives them one checksum', async () => {
    const [first = '', second = ''] = [1, 2].map((n) => `big-0000${n}-of-00002.gguf`);
    put(first);
    await expect(resolveModel(path.join(folder, first), options)).rejects.toMatchObject({ code: 'model_not_found' });
    put(second);
    const model = await resolveModel(path.join(folder, first), options);
    expect(model).toMatchObject({ id: 'big', sizeBytes: 2 * bytes.length });
    expect(model.sha256).toBe(createHash('sha256').update(`${sha256}\n${sha256}`).digest('hex'));
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
    expect(mirror.requests).toEqual([]);
    entry.sha256 = 'a'.repeat(64);
    await expect(resolveModel('some-model', options)).rejects.toMatchObject({ code: 'model_integrity' });
    expect(existsSync(path.join(shipped, 'file.gguf'))).toBe(true);
  });
});
