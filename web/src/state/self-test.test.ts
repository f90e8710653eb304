import type { Engine } from '@llmesh/core/engine';
import { ManualClock } from '@llmesh/core/manual-clock';
import { describe, expect, it } from 'vitest';
import { selfTest } from './self-test.ts';

const signal = new AbortController().signal;

function writes(text: string, clock = new ManualClock()): Pick<Engine<never>, 'generate'> {
  return {
    async *generate() {
      const tokens = text.split(/(?<= )/);
      for (const token of tokens) {
        yield { text: token, tokens: 1 };
        await clock.advance(10);
      }
      return { finish: 'stop', promptTokens: 1, completionTokens: tokens.length };
    },
  };
}

describe('self-test, with a pretended engine', () => {
  it('accepts the known answer and measures the speed', async () => {
    const clock = new ManualClock();
    const answer = 'one two three four five six seven eight nine ten';
    expect(await selfTest(writes(answer, clock), { question: 'count', answer }, clock, signal)).toBeCloseTo(100);
  });

  it('refuses any other answer', async () => {
    const known = { question: 'count', answer: 'one two' };
    const test = selfTest(writes('one too'), known, new ManualClock(), signal);
    await expect(test).rejects.toMatchObject({ code: 'self_test_failed' });
  });

  it('refuses what broken kernels write when no answer is known', async () => {
    for (const text of ['', '!!!!!!!!!!!!', ' \n ', '????? ?????']) {
      await expect(selfTest(writes(text), null, new ManualClock(), signal)).rejects.toMatchObject({
        code: 'self_test_failed',
      });
    }
    await expect(selfTest(writes('A frog, a newt.'), null, new ManualClock(), signal)).resolves.toBeNull();
  });
});
