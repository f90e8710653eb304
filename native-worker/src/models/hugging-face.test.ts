import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock, type Clock } from '@llmesh/core/base/clock';
import { HuggingFace, quantOf } from './hugging-face.ts';
import { ModelMirror } from '../testing/model-mirror.ts';

const never = new AbortController().signal;

describe('HuggingFace', () => {
  let mirror: ModelMirror;
  let hub: HuggingFace;

  beforeAll(async () => {
    mirror = await new ModelMirror().listen();
    hub = new HuggingFace({ MODEL_ENDPOINT: mirror.origin }, realClock);
  });
  afterAll(() => mirror.close());

  const find = (repository: string) => hub.find({ kind: 'hub-quant', repository, quant: null }, never);

  it.each([
    ['a path out of the repository', { ggufFile: { rfilename: '../../../etc/passwd.gguf' } }],
    ['control characters', { ggufFile: { rfilename: 'a\u001b[2J.gguf' } }],
    ['another kind of file', { ggufFile: { rfilename: 'model.safetensors' } }],
    ['a checksum that is malformed', { ggufFile: { rfilename: 'a.gguf', lfs: { sha256: 'yes' } } }],
    ['nothing of the kind', { error: 'Repository not found' }],
    ['no object', []],
    ['far too much', { ggufFile: { rfilename: 'a.gguf' }, more: 'x'.repeat(4_000_001) }],
  ])('does not trust a manifest with %s', async (_, page) => {
    mirror.pages.set('/v2/user/model/manifests/latest', page);
    await expect(find('user/model')).rejects.toMatchObject({ failure: { kind: 'break' } });
  });

  it('does not wait for ever for a page that never ends', async () => {
    const hurried: Clock = {
      now: realClock.now,
      after: (ms, run) => realClock.after(ms / 60, run),
    };
    mirror.files.set('/v2/user/slow/manifests/latest', new Uint8Array(1000));
    mirror.fault = () => ({ stallAfterBytes: 10 });
    const slow = new HuggingFace({ MODEL_ENDPOINT: mirror.origin }, hurried);
    const page = slow.find({ kind: 'hub-quant', repository: 'user/slow', quant: null }, never);
    await expect(page).rejects.toMatchObject({ failure: { kind: 'break' } });
  });

  it('refuses a mirror that is not an address', () => {
    expect(() => new HuggingFace({ MODEL_ENDPOINT: 'file:///etc' }, realClock)).toThrow(/MODEL_ENDPOINT/);
  });
});

describe('quantOf', () => {
  it.each([
    ['Qwen3-8B-Q4_K_M.gguf', 'Q4_K_M'],
    ['qwen2.5-0.5b-instruct-q4_k_m.gguf', 'Q4_K_M'],
    ['model-UD-IQ2_XXS-00001-of-00003.gguf', 'UD-IQ2_XXS'],
    ['BF16/model.gguf', 'BF16'],
    ['Phi-3-mini-4k-instruct-fp16.gguf', null],
    ['model.gguf', null],
  ])('%s: %s', (path, quant) => {
    expect(quantOf(path)).toBe(quant);
  });
});
