import { afterEach, describe, expect, it } from 'vitest';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';

const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

const WORD_MS = 100;
const WORDS = 21;

/** Takes its time for each word, and longer for the first; tells when it worked. */
function working(): { engine: ScriptedEngine; workedMs: () => number } {
  const engine = new ScriptedEngine([]);
  const { clock } = world.current;
  let workedMs = 0;
  const work = async (ms: number) => {
    await new Promise<void>((resolve) => clock.after(ms, resolve));
    workedMs += ms;
  };
  engine.generate = async function* () {
    await work(1_000);
    for (let i = 0; i < WORDS; i++) {
      if (i > 0) await work(WORD_MS);
      yield { text: `${i} `, tokens: 1, tokenIds: [i] };
    }
    return { finish: 'stop', promptTokens: 1, completionTokens: WORDS };
  };
  return { engine, workedMs: () => workedMs };
}

/** How long the words after the first took, in milliseconds of the clock. */
async function writingMs(maxShare: number | undefined): Promise<number> {
  const w = world.current;
  const { engine } = working();
  const { answers, mesh } = await w.provide(new ScriptedEngine(['unused']));
  const models = [{ advert: (await import('../testing/scripted-server.ts')).advert, engine, slots: 1 }];
  mesh.provide({
    models,
    ...(maxShare !== undefined && { maxShare }),
    onStatus() {},
    onAnswer: (given) => answers.push(given),
    onFailure() {},
    onHang() {},
  });
  await w.clock.advance(0);
  const user = await w.join();
  const outcome = consume(user.ask(question(), never));
  await w.clock.advance(60_000);
  expect(outcome.error).toBeNull();
  return answers[0]!.ms - 1_000;
}

describe('the share of the time in which an engine works', () => {
  it('is all of it where its owner chose nothing', async () => {
    expect(await writingMs(undefined)).toBe((WORDS - 1) * WORD_MS);
  });

  it('is kept over a whole answer, whatever reading the question took', async () => {
    // It rests after the last word, too: the end comes with the next look at the engine.
    expect(await writingMs(0.5)).toBe((WORDS - 1) * WORD_MS * 2);
    world.current = new World();
    expect(await writingMs(0.25)).toBe((WORDS - 1) * WORD_MS * 4);
  });
});
