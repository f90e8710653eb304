import { describe, expect, it } from 'vitest';
import type { Engine } from './engine.ts';
import { ManualClock } from '../testing/manual-clock.ts';
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

  it('refuses any other answer, and one that does not end', async () => {
    const known = { question: 'count', answer: 'one two' };
    for (const text of ['one too', 'one two one two']) {
      const test = selfTest(writes(text), known, new ManualClock(), signal);
      await expect(test).rejects.toMatchObject({ code: 'self_test_failed' });
    }
  });

  it('is content with the beginning where only that has to be right', async () => {
    const known = { question: 'count', answer: 'one two three', characters: 7 };
    await expect(selfTest(writes('one two trees'), known, new ManualClock(), signal)).resolves.toBeNull();
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

  it('ends when the engine says nothing, or does not stop when it is told to', async () => {
    const silent: Pick<Engine<never>, 'generate'> = {
      async *generate() {
        yield { text: 'one ', tokens: 1 };
        await new Promise<void>(() => {});
        return { finish: 'stop', promptTokens: 1, completionTokens: 1 };
      },
    };
    const clock = new ManualClock();
    const outcome = selfTest(silent, null, clock, signal).catch((error: unknown) => error);
    await clock.advance(12_000);
    expect(await outcome).toMatchObject({ code: 'engine_failed' });
    const abort = new AbortController();
    const stopped = selfTest(silent, null, clock, abort.signal).catch((error: unknown) => error);
    await clock.advance(1_000);
    abort.abort();
    await clock.advance(12_000);
    expect(await stopped).toMatchObject({ code: 'engine_failed' });
  });
});
