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

/** Gives these answers to the questions that contain the words. */
function knows(
  answers: Record<string, string>,
  clock: ManualClock,
  msPerToken = 10,
): Pick<Engine<never>, 'generate'> & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async *generate({ turns: [turn] }) {
      const question = turn?.content ?? '';
      asked.push(question);
      const text = Object.entries(answers).find(([words]) => question.includes(words))?.[1] ?? 'I do not know that.';
      for (const token of text.split(/(?<= )/)) {
        yield { text: token, tokens: 1 };
        await clock.advance(msPerToken);
      }
      return { finish: 'stop', promptTokens: 1, completionTokens: 1 };
    },
  };
}

const MODEL_FOR_CHAT = { instructed: true, recorded: [] };
const ANY_MODEL = { instructed: false, recorded: [] };
const POND = 'Frogs, newts, and a number of ducks that come and go.';

describe('self-test, with a pretended engine', () => {
  it('accepts the known answer and measures the speed', async () => {
    const clock = new ManualClock();
    const answer = 'one two three four five six seven eight nine ten';
    expect(await selfTest(writes(answer, clock), { question: 'count', answer }, { clock }, signal)).toBeCloseTo(100);
  });

  it('refuses any other answer, and one that does not end', async () => {
    const known = { question: 'count', answer: 'one two' };
    for (const text of ['one too', 'one two one two']) {
      const test = selfTest(writes(text), known, { clock: new ManualClock() }, signal);
      await expect(test).rejects.toMatchObject({ code: 'self_test_failed' });
    }
  });

  it('is content with the beginning where only that has to be right', async () => {
    const known = { question: 'count', answer: 'one two three', characters: 7 };
    await expect(selfTest(writes('one two trees'), known, { clock: new ManualClock() }, signal)).resolves.toBeNull();
    const test = selfTest(writes('one too'), known, { clock: new ManualClock() }, signal);
    await expect(test).rejects.toMatchObject({ code: 'self_test_failed' });
  });

  it('asks a model for chat what every one knows, only as long as it must, and measures its speed', async () => {
    const clock = new ManualClock();
    const engine = knows({ France: 'Paris.', hot: 'Cold.', pond: POND }, clock);
    const wrote: number[] = [];
    const speed = await selfTest(engine, MODEL_FOR_CHAT, { clock, wrote: (tokens) => wrote.push(tokens) }, signal);
    expect(speed).toBeCloseTo(100);
    expect(engine.asked).toHaveLength(3);
    expect(wrote).toEqual(Array.from({ length: 13 }, (_, i) => i + 1));
  });

  it('asks a slow model nothing just for its speed', async () => {
    const clock = new ManualClock();
    const engine = knows({ France: 'Paris.', hot: 'Cold.' }, clock, 20_000);
    const outcome = selfTest(engine, MODEL_FOR_CHAT, { clock }, signal);
    expect(await outcome).toBeNull();
    expect(engine.asked).toHaveLength(2);
  });

  it('refuses what broken kernels write when no answer is known', async () => {
    const noise = ' Brow ultiption ingredi 是ß vasth);\n Condit лес elta';
    for (const text of ['', '!!!!!!!!!!!!', ' \n ', '????? ?????', 'the the the the the the the the', noise]) {
      for (const expected of [MODEL_FOR_CHAT, ANY_MODEL]) {
        const test = selfTest(writes(text), expected, { clock: new ManualClock() }, signal);
        await expect(test, text).rejects.toMatchObject({ code: 'self_test_failed' });
      }
    }
    const story = writes('Once upon a time there was a frog in a pond.');
    await expect(selfTest(story, ANY_MODEL, { clock: new ManualClock() }, signal)).resolves.not.toThrow();
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
    const outcome = selfTest(silent, ANY_MODEL, { clock }, signal).catch((error: unknown) => error);
    await clock.advance(32_000);
    expect(await outcome).toMatchObject({ code: 'engine_failed' });
    const abort = new AbortController();
    const stopped = selfTest(silent, ANY_MODEL, { clock }, abort.signal).catch((error: unknown) => error);
    await clock.advance(1_000);
    abort.abort();
    await clock.advance(12_000);
    expect(await stopped).toMatchObject({ code: 'engine_failed' });
  });
});
