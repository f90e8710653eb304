import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isModelId } from '@llmesh/core/base/ids';
import { modelIdOf } from './model-id.ts';

const HASH = 'abcdef01'.repeat(8);

describe('the id of a file', () => {
  it.each([
    ['qwen3-8b-q4_k_m', 'qwen3-8b-q4_k_m'],
    ['my model (1)', 'my-model-1'],
    ['modèle-français', 'modele-francais'],
    ['模型', 'model-abcdef01'],
    ['Привет', 'model-abcdef01'],
    ['Привет 7b.q4', '7b.q4-abcdef01'],
    ['llama-🦙-1b', 'llama-1b-abcdef01'],
    ['Ω', 'model-abcdef01'],
    ['(…)', 'model-abcdef01'],
    ['-', 'model-abcdef01'],
    ['', 'model-abcdef01'],
    ['a'.repeat(200), 'a'.repeat(96)],
  ])('%s → %s', (base, id) => expect(modelIdOf(base, HASH)).toBe(id));

  it('is one for every name, and another for another file whose name is lost', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 120 }), (base) => {
        expect(isModelId(modelIdOf(base, HASH))).toBe(true);
      }),
    );
    expect(modelIdOf('模型', HASH)).not.toBe(modelIdOf('模型', '0'.repeat(64)));
  });
});
