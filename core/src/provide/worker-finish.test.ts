import { afterEach, describe, expect, it } from 'vitest';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';

const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

const WORDS = ['0 ', '1 ', '2 ', '3 ', '4'];
const WORDS_A_SECOND = 10;
const slow = () => world.current.provide(new ScriptedEngine(WORDS), 1, WORDS_A_SECOND);

describe('a provider that finishes', () => {
  it('writes what it began to its end, sends away who waits, and takes nothing new', async () => {
    const w = world.current;
    const { mesh, providing, answers } = await slow();
    const users = [await w.join(), await w.join(), await w.join()];
    const begun = consume(users[0]!.ask(question(), never));
    await w.clock.advance(150);
    const waiting = consume(users[1]!.ask(question(), never));
    await w.clock.advance(50);
    // Another takes over whom it sends away.
    await w.provide(new ScriptedEngine(['here']));
    let finished = false;
    void providing.finish().then(() => (finished = true));
    await w.clock.advance(10);
    expect([begun.text, finished, w.server.providers.has(mesh.self)]).toEqual(['0 1 2 ', false, false]);
    await w.clock.advance(2_000);
    expect([begun.text, begun.error, finished]).toEqual(['0 1 2 3 4', null, true]);
    const late = consume(users[2]!.ask(question(), never));
    await w.clock.advance(2_000);
    expect([waiting.text, late.text]).toEqual(['here', 'here']);
    expect(answers).toEqual([
      { peer: users[0]!.self, model: question().model, tokens: 5, ms: expect.any(Number), ended: 'whole' },
    ]);
  });

  it('can still be stopped at once', async () => {
    const w = world.current;
    const { providing, answers } = await slow();
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(150);
    const finished = providing.finish();
    const stopped = providing.stop();
    await w.clock.advance(200);
    await Promise.all([finished, stopped]);
    expect(outcome.text).not.toContain('4');
    expect(answers.map(({ ended }) => ended)).toEqual(['stopped']);
  });
});
