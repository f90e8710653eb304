import { afterEach, describe, expect, it } from 'vitest';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { advert } from '../testing/scripted-server.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';

const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

/** Writes so many words, and then neither goes on nor stops, whatever it is told. */
function hangsAfter(words: number): ScriptedEngine {
  const engine = new ScriptedEngine([]);
  engine.generate = async function* () {
    for (let i = 0; i < words; i++) yield { text: `${i} `, tokens: 1, tokenIds: [i] };
    await new Promise<void>(() => {});
    return { finish: 'stop', promptTokens: 1, completionTokens: words };
  };
  return engine;
}

describe('an engine that hangs', () => {
  it('in mid-answer costs nobody an answer, and its owner hears of it', async () => {
    const w = world.current;
    const { mesh, providing, hangs, statuses } = await w.provide(hangsAfter(3));
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(100);
    expect(outcome.text).toBe('0 1 2 ');
    await w.provide(new ScriptedEngine(['0 ', '1 ', '2 ', '3 ', '4']));
    await w.clock.advance(60_000);
    expect(outcome).toMatchObject({ text: '0 1 2 3 4', error: null });
    expect(hangs.map(({ code }) => code)).toEqual(['engine_failed']);
    expect(w.server.providers.has(mesh.self)).toBe(false);
    expect(statuses.at(-1)?.busySlots).toBe(0);
    const stopped = providing.stop();
    await w.clock.advance(0);
    await stopped;
  });

  it('does not keep its owner from stopping', async () => {
    const w = world.current;
    const { providing, hangs } = await w.provide(hangsAfter(1));
    const user = await w.join();
    consume(user.ask(question(), never));
    await w.clock.advance(100);
    let stopped = false;
    void providing.stop().then(() => (stopped = true));
    await w.clock.advance(9_000);
    expect(stopped).toBe(false);
    await w.clock.advance(3_000);
    expect(stopped).toBe(true);
    expect(hangs).toHaveLength(1);
  });

  it('before its first word is found out when its requester has given up', async () => {
    const w = world.current;
    const { hangs } = await w.provide(hangsAfter(0));
    const user = await w.join();
    const abort = new AbortController();
    consume(user.ask(question(), abort.signal));
    await w.clock.advance(5_000);
    abort.abort();
    await w.clock.advance(15_000);
    expect(hangs).toHaveLength(1);
  });

  it('over a form does not get that form again, when it was started anew; others it gets', async () => {
    const w = world.current;
    const able = { ...advert, abilities: ['schema' as const] };
    const schema = '{"type":"array","items":{"type":"integer"}}';
    const { mesh, providing, hangs } = await w.provide(hangsAfter(0), 1, null, able);
    const user = await w.join();
    const abort = new AbortController();
    consume(user.ask({ ...question(), schema }, abort.signal));
    await w.clock.advance(5_000);
    abort.abort();
    await w.clock.advance(15_000);
    expect(hangs).toHaveLength(1);
    const stopped = providing.stop();
    await w.clock.advance(0);
    await stopped;
    const engine = new ScriptedEngine(['[1]']);
    const models = [{ advert: able, engine, slots: 1 }];
    mesh.provide({ models, onStatus() {}, onFailure() {}, onHang() {} });
    await w.clock.advance(0);
    const again = consume(user.ask({ ...question(), schema }, never));
    const other = consume(user.ask({ ...question(), schema: schema.replace('integer', 'number') }, never));
    await w.clock.advance(5_000);
    expect([again.error?.code, other.text]).toEqual(['unsupported', '[1]']);
    expect(engine.schemas).toHaveLength(1);
  });
});
