import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalogue } from '@llmesh/core/policy/catalogue';
import { realClock } from '@llmesh/core/base/clock';
import type { ModelId } from '@llmesh/core/base/ids';
import { HuggingFace } from '../models/hugging-face.ts';
import { DoesNotFit } from '../llama/context/model-plan.ts';
import { withSmaller } from './smaller-model.ts';
import { ModelMirror } from '../testing/model-mirror.ts';

const GB = 1e9;
const never = new AbortController().signal;
const catalogue: Catalogue = {
  models: [3, 7, 20].map((gb) => ({
    id: `model-${gb}` as ModelId,
    format: 'gguf' as const,
    name: `Model ${gb}`,
    quant: 'q4',
    summary: '',
    parameters: 1,
    sizeBytes: gb * GB,
    memoryBytes: gb * GB,
    contextTokens: 4096,
    licence: 'Apache-2.0',
    page: 'https://example.org/',
    source: 'hf:a/b/c.gguf',
    sha256: null,
  })),
};

describe('withSmaller', () => {
  let mirror: ModelMirror;
  let hub: HuggingFace;
  const error = new DoesNotFit('Too large.', 20 * GB, { ramBytes: 10 * GB, vramBytes: 0, unified: false });

  beforeAll(async () => {
    mirror = await new ModelMirror().listen();
    hub = new HuggingFace({ MODEL_ENDPOINT: mirror.origin }, realClock);
    mirror.pages.set('/api/models/user/model/tree/main', [
      { type: 'directory', path: 'Q8_0' },
      { type: 'file', path: 'README.md', size: 100 },
      { type: 'file', path: 'model-Q2_K.gguf', size: 5 * GB },
      { type: 'file', path: 'mmproj-model-F16.gguf', size: 6 * GB },
      { type: 'file', path: 'model-Q4_K_M-00001-of-00002.gguf', size: 4 * GB },
      { type: 'file', path: 'model-Q4_K_M-00002-of-00002.gguf', size: 3 * GB },
      { type: 'file', path: 'Q8_0/model-Q8_0.gguf', size: 18 * GB },
      { type: 'file', path: 'bad\u001b[2J-Q3_K_S.gguf', size: 7.5 * GB },
    ]);
  });
  afterAll(() => mirror.close());

  const advice = async (source: string | null) =>
    (await withSmaller(error, { sizeBytes: 18 * GB, source }, catalogue, hub, never)).message;

  it('names the largest edition of the same repository that fits, in all its parts', async () => {
    const message = await advice('hf:user/model/Q8_0/model-Q8_0.gguf');
    expect(message).toBe(
      'Too large. Of the same model, Q4_K_M would fit, with 7.0 GB: --model hf:user/model/model-Q4_K_M-00001-of-00002.gguf',
    );
  });

  it.each([['hf:user/unlisted/model.gguf'], ['https://example.org/model.gguf'], [null]])(
    'names a model of the catalogue where %s has no smaller edition',
    async (source) => {
      expect(await advice(source)).toBe('Too large. From the catalogue, Model 7 would fit: --model model-7');
    },
  );
});
