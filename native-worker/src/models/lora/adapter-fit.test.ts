import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readGgufFileInfo, type GgufFileInfo } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdapterFiles, openAdapters } from './adapter-files.ts';
import { misfitOf, readAdapter } from './adapter-fit.ts';
import { Output } from '../../cli/output.ts';
import { loraGguf, TINY_MATRICES, type LoraOptions, type Matrix } from '../../testing/lora-gguf.ts';
import { ModelMirror } from '../../testing/model-mirror.ts';

const tiny = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-lora-'));
afterAll(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;
const usual: LoraOptions = { seed: 1, strength: 1 };
const file = path.join(folder, 'adapter.gguf');
const [ada] = TINY_MATRICES as [Matrix];

type Changes = Partial<LoraOptions> & { cutBytes?: number };

function write(matrices: readonly Matrix[] = TINY_MATRICES, { cutBytes, ...changes }: Changes = {}): string {
  writeFileSync(file, loraGguf(matrices, { ...usual, ...changes }).subarray(0, cutBytes));
  return file;
}
let base: GgufFileInfo;
beforeAll(async () => {
  base = await readGgufFileInfo(tiny, { logWarnings: false });
});

describe('readAdapter', () => {
  it.each([
    ['a model', () => tiny, /is not an adapter.*--model/],
    [
      'something else that is not an adapter',
      () => write(undefined, { says: { 'general.type': 'imatrix' } }),
      /not an adapter/,
    ],
    ['an adapter of another kind', () => write(undefined, { says: { 'adapter.type': 'prefix' } }), /not a LoRA/],
    ['an activated one', () => write(undefined, { says: { 'adapter.alora.invocation_tokens': 1 } }), /aLoRA/],
    ['one at which llama.cpp would end the process', () => write(undefined, { wholeAlpha: true }), /32-bit float/],
    ['one that is cut in its header', () => write([], { cutBytes: 150 }), /Law is/],
    ['one of a few bytes', () => write([], { cutBytes: 6 }), /Law is/],
    ['one that says it is endless', () => (writeFileSync(file, `GGUF${'~'.repeat(40)}`), file), /Law is/],
  ])('refuses %s', async (_name, made, message) => {
    await expect(readAdapter(made(), 'Law', never)).rejects.toMatchObject({
      code: 'model_unreadable',
      message: expect.stringMatching(message),
    });
  });

  it('takes one without a scale of its own', async () => {
    const info = await readAdapter(write(undefined, { says: { 'adapter.lora.alpha': null } }), 'Law', never);
    expect(misfitOf(info, base)).toBe(null);
  });
});

describe('misfitOf', () => {
  const misfit = async (matrices: readonly Matrix[], changes: Partial<LoraOptions> = {}) =>
    misfitOf(await readAdapter(write(matrices, changes), 'Law', never), base);

  it.each([
    ['is for the model', TINY_MATRICES, {}, null],
    [
      'is for another architecture',
      TINY_MATRICES,
      { says: { 'general.architecture': 'qwen2' } },
      /for qwen2, .* llama/,
    ],
    ['is for more layers', [{ ...ada, name: 'blk.4.attn_q.weight' }], {}, /blk\.4\.attn_q\.weight.*does not have/],
    ['is for wider layers', [{ ...ada, inputs: 512 }], {}, /another size/],
    ['writes to wider layers', [{ ...ada, outputs: 512 }], {}, /another size/],
    ['changes nothing', [], {}, /nothing/],
    [
      'changes what is read and written alike',
      [{ name: 'token_embd.weight', inputs: 256, outputs: 1536 }],
      {},
      /token_embd/,
    ],
  ])('says that one %s', async (_name, matrices, changes, expected) => {
    const found = await misfit(matrices, changes);
    if (expected === null) expect(found).toBe(null);
    else expect(found).toMatch(expected);
  });

  it('says that half of one is missing, or that something else is there, or of a kind that is not multiplied', async () => {
    const whole = await readAdapter(write(), 'Law', never);
    const [first, ...others] = whole.fullTensorInfo ?? [];
    const having = (...all: (typeof first)[]) =>
      misfitOf({ ...whole, fullTensorInfo: all.filter((one) => one !== undefined) }, base);
    expect(having(...others)).toMatch(/one half of blk\.0\.attn_q/);
    expect(having({ ...first!, name: 'blk.0.attn_q.weight' }, ...others)).toMatch(/no LoRA has/);
    expect(having({ ...first!, ggmlType: 26 }, ...others)).toMatch(/I32/);
    expect(having({ ...first!, dimensions: [256, 4, 8] }, ...others)).toMatch(/another size/);
    expect(having(first, { ...first!, name: 'blk.0.attn_norm.weight' }, ...others)).toBe(null);
  });
});

describe('AdapterFiles', () => {
  it('takes those that requesters bring for a model that chats, and says for which', async () => {
    const brought = { sha256: 'a'.repeat(64), name: 'a', path: 'a.gguf', sizeBytes: 1, version: null };
    const visitors = { find: (sha256: string) => (sha256 === brought.sha256 ? brought : null) };
    const lent = new AdapterFiles([], 1, { visitors }).for(base);
    expect(lent).toMatchObject({
      ...{ files: [], takes: { architecture: 'llama', width: 256, layers: 4 }, isOptional: true },
      mostBytes: 50_000_000,
    });
    expect(lent).not.toHaveProperty('fetchesAny');
    expect(await lent?.fetch?.(brought.sha256, never)).toBe(brought);
    await expect(lent?.fetch?.('b'.repeat(64), never)).rejects.toMatchObject({ code: 'unsupported' });
    expect(new AdapterFiles([], 1, {}).for(base)).toBeNull();
  });

  const open = async (lora: string[], models = 1) =>
    openAdapters(
      { lora, mesh: new URL('http://127.0.0.1:1'), data: folder },
      models,
      { peers: null },
      new Output(false),
      never,
    );
  const other = () => ({ ...base, fullTensorInfo: [] });

  it('go to the models that they are for', async () => {
    const files = await open([write(), file], 3);
    expect(files.none).toBe(false);
    expect(files.for(other())).toBe(null);
    expect(files.for(base)?.files).toMatchObject([
      { name: 'Test adapter 1', path: file, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(files.for(other())).toBe(null);
  });

  it('are not for a model that embeds', async () => {
    const embedder = { ...base, architectureMetadata: { ...base.architectureMetadata, pooling_type: 1 } };
    const files = await open([write()], 2);
    expect(files.for(embedder)).toBe(null);
    expect(files.for(base)?.files).toHaveLength(1);
    const alone = await open([file]);
    expect(() => alone.for(embedder)).toThrow(/turns text into vectors/);
  });

  it('are refused where one is for none of them', async () => {
    const files = await open([write()], 2);
    expect(files.for(other())).toBe(null);
    expect(() => files.for(other())).toThrow(/Test adapter 1 is not for any of these models: it changes/);
    const [one] = [await open([file])];
    expect(() => one.for(other())).toThrow(/is not for this model/);
    expect(new AdapterFiles([], 1).for(base)).toBe(null);
  });

  it('are downloaded as models are, once, and checked', async () => {
    const mirror = new ModelMirror();
    await mirror.listen();
    mirror.files.set('/law.gguf', readFileSync(write()));
    const url = `${mirror.origin}/law.gguf`;
    const [downloaded] = (await open([url])).for(base)?.files ?? [];
    expect(downloaded?.path).toMatch(/^.*models.*law.*\.gguf$/);
    const requests = mirror.requests.length;
    expect((await open([url])).for(base)?.files).toEqual([downloaded]);
    expect(mirror.requests.length).toBe(requests);
    await mirror.close();
    await expect(open([path.join(folder, 'missing.gguf')])).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('--lora'),
    });
  });
});
