import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Engine } from '@llmesh/core/engine/engine';
import type { ModelId } from '@llmesh/core/base/ids';
import { testModel } from './self-test.ts';

const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(new URL('../../../models/tiny/questions.json', import.meta.url), 'utf8'),
);
const signal = new AbortController().signal;
const tiny = { id: 'llmesh-tiny' as ModelId, backend: 'cpu' } as const;

/** An engine that knows the answers, and changes them. */
function writes(change: (answer: string) => string): Pick<Engine<never>, 'generate'> {
  return {
    async *generate({ turns }) {
      const known = questions.find(({ question }) => question === turns[0]?.content);
      yield { text: change(known?.answer ?? 'A frog and a newt.'), tokens: 1 };
      return { finish: 'stop', promptTokens: 1, completionTokens: 1 };
    },
  };
}

const outcome = (change: (answer: string) => string, model: Parameters<typeof testModel>[1] = tiny) =>
  testModel(writes(change), model, signal);
const failed = { code: 'self_test_failed', message: expect.stringMatching('--gpu') };

describe('the self-test of a worker, with a pretended engine', () => {
  it('makes the model that comes with LLMesh answer word for word', async () => {
    await expect(outcome((answer) => answer)).resolves.toBeNull();
    for (const wrong of ['Of course.', '', '!!!!']) await expect(outcome(() => wrong)).rejects.toMatchObject(failed);
    await expect(outcome((answer) => `${answer.slice(0, -1)}!`)).rejects.toMatchObject(failed);
  });

  it('forgives a graphics card what comes late in the answer', async () => {
    const onGpu = { ...tiny, backend: 'cuda' } as const;
    await expect(outcome((answer) => `${answer.slice(0, 100)} and so on`, onGpu)).resolves.toBeNull();
    await expect(outcome((answer) => `${answer.slice(0, 20)} and so on`, onGpu)).rejects.toMatchObject(failed);
  });

  it('judges by appearance where no answer is known', async () => {
    const other = { ...tiny, id: 'another' as ModelId };
    await expect(outcome((answer) => answer, other)).resolves.toBeNull();
    await expect(outcome(() => '????', other)).rejects.toMatchObject(failed);
  });

  it('expects of a model of the catalogue that it knows something', async () => {
    const listed = { ...tiny, id: 'qwen2.5-0.5b-q4' as ModelId };
    await expect(outcome(() => 'It is Paris, and that is cold.', listed)).resolves.toBeNull();
    await expect(outcome((answer) => answer, { ...tiny, id: 'my-own' as ModelId })).resolves.toBeNull();
    await expect(outcome(() => 'It is what it is, and there it is.', listed)).rejects.toMatchObject(failed);
  });
});
