import { describe, expect, it } from 'vitest';
import { testEmbedder } from './embedder-self-test.ts';
import type { TextVector } from './engine.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { never } from '../testing/mesh-world.ts';

/** The vector of text number `i`. */
function makes(vectorOf: (text: string, no: number) => number[]) {
  return testEmbedder(
    {
      async *embed(texts): AsyncGenerator<TextVector, void, undefined> {
        for (const [no, text] of texts.entries()) {
          yield { vector: Float32Array.from(vectorOf(text, no)), promptTokens: 1 };
        }
      },
    },
    new ManualClock(),
    never,
  );
}
const failed = { code: 'self_test_failed', message: expect.stringContaining('--gpu off') };

describe('the self-test of a model that embeds', () => {
  it('passes when a text has one vector each time, and another text another', async () => {
    await makes((text) => (text.includes('frog') ? [1, 0] : [0.6, 0.8]));
    await makes((text, no) => (text.includes('frog') ? [1, no / 1e4] : [0.6, 0.8]));
  });

  it('fails where numbers are missing, all the same, or changing', async () => {
    await expect(makes(() => [Number.NaN, 1])).rejects.toMatchObject(failed);
    await expect(makes(() => [0, 0])).rejects.toMatchObject(failed);
    await expect(makes(() => [1, 0])).rejects.toMatchObject(failed);
    await expect(
      makes(
        (_, no) =>
          [
            [1, 0],
            [0, 1],
            [0.6, 0.8],
          ][no] ?? [],
      ),
    ).rejects.toMatchObject(failed);
  });
});
