import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AdapterFiles } from '../models/lora/adapter-files.ts';
import { LlamaEngine } from '../llama/llama-engine.ts';
import { openModel } from './open-model.ts';
import { Output } from '../cli/output.ts';
import { ModelMirror } from '../testing/model-mirror.ts';
import { splitGguf } from '../testing/split-gguf.ts';

const bytes = readFileSync(fileURLToPath(new URL('../../../models/tiny/llmesh-tiny.gguf', import.meta.url)));

const question = { role: 'user' as const, content: 'What is LLMesh?' };

describe('openModel', () => {
  let mirror: ModelMirror;
  let data: string;
  let engine: LlamaEngine;

  beforeAll(async () => {
    mirror = await new ModelMirror().listen();
    mirror.files.set('/user/model/resolve/main/model-Q8_0.gguf', bytes);
    mirror.pages.set('/v2/user/model/manifests/Q8_0', { ggufFile: { rfilename: 'model-Q8_0.gguf' } });
    mirror.pages.set('/api/models/user/model/tree/main', [
      { type: 'file', path: 'model-Q8_0.gguf', size: 9e14 },
      { type: 'file', path: 'model-Q2_K.gguf', size: 1000 },
    ]);
    vi.stubEnv('MODEL_ENDPOINT', mirror.origin);
    data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-open-'));
    engine = new LlamaEngine();
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await engine.close();
    await mirror.close();
    rmSync(data, { recursive: true });
  });

  const open = (model = 'hf:user/model:Q8_0', draft?: string) =>
    openModel(
      engine,
      {
        model,
        mesh: new URL('http://127.0.0.1:1'),
        gpu: 'off',
        threads: 1,
        data,
        ...(draft !== undefined && { draft }),
      },
      { files: new AdapterFiles([], 1), peers: null },
      new Output(false),
      new AbortController().signal,
    );

  it('does not download what this computer could never hold, and names the edition that it could', async () => {
    mirror.claimedBytes = 9e14;
    await expect(open()).rejects.toMatchObject({
      code: 'out_of_memory',
      message: expect.stringMatching(/Q2_K would fit.*--model hf:user\/model\/model-Q2_K\.gguf$/),
    });
    expect(mirror.sentBytes).toBeLessThan(10);
  });

  it('downloads what fits, and loads it', async () => {
    mirror.claimedBytes = null;
    const { model, loaded } = await open();
    expect(model).toMatchObject({ id: 'llmesh-tiny', source: 'hf:user/model/model-Q8_0.gguf' });
    expect(loaded).toMatchObject({ slots: 4, contextTokens: 2048 });
  });

  it('makes the chosen draft guess ahead', async () => {
    expect((await open('hf:user/model:Q8_0', 'lookup')).draft).toBe('lookup');
    const { draft, model } = await open('hf:user/model:Q8_0', 'hf:user/model:Q8_0');
    expect(draft).toEqual({ path: model.path });
    const request = { turns: [question], sampling: { temperature: 0.001 }, maxTokens: 200 };
    for await (const _ of engine.generate(request, new AbortController().signal));
    expect(engine.guesses.guessed).toBeGreaterThan(0);
  });

  it('says which of the two is missing', async () => {
    await expect(open('hf:user/model:Q8_0', 'nowhere.gguf')).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('nowhere.gguf'),
    });
  });

  it('downloads a model in parts, and answers with it as with the whole', async () => {
    const answered = async () => {
      let text = '';
      const request = { turns: [question], sampling: { temperature: 0 }, maxTokens: 200 };
      for await (const piece of engine.generate(request, new AbortController().signal)) text += piece.text;
      return text;
    };
    const whole = await answered();
    const [first, second] = splitGguf(bytes);
    mirror.files.set('/user/parts/resolve/main/q8/tiny-00001-of-00002.gguf', first);
    mirror.files.set('/user/parts/resolve/main/q8/tiny-00002-of-00002.gguf', second);
    const { model } = await open('hf:user/parts/q8/tiny-00001-of-00002.gguf');
    expect(model).toMatchObject({ id: 'tiny', sizeBytes: first.length + second.length });
    expect(await answered()).toBe(whole);
    expect(whole.length).toBeGreaterThan(20);
  });
});
