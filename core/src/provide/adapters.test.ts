/** Questions that name an adapter, on a memory mesh: real requester, worker and links; scripted engines, virtual time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MeshClient } from '../client.ts';
import type { ModelAdvert } from '../wire/model-advert.ts';
import { DeliveredAnswer } from '../ask/delivered-answer.ts';
import { MeshError } from '../base/errors.ts';
import { advert } from '../testing/scripted-server.ts';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';

const [LAW, CODE] = ['a'.repeat(64), 'b'.repeat(64)];
const WORDS = ['one ', 'two ', 'three ', 'four'];
const file = { ...advert, sha256: 'f'.repeat(64) };
const having = (...all: string[]) => ({
  ...file,
  adapters: all.map((sha256) => ({ sha256, name: sha256.slice(0, 1) })),
});
const ROOM = { adapters: 1, slots: 1 };

let w = new World();
beforeEach(() => {
  w = new World();
});
afterEach(() => Promise.all(w.meshes.map((mesh) => mesh.close())));

const asked = (adapter = LAW) => ({ ...question(), adapter });
async function lend(adverts: ModelAdvert, room = { adapters: 2, slots: 2 }, slots = 4) {
  const engine = new ScriptedEngine(WORDS);
  return { engine, ...(await w.provide(engine, slots, null, adverts, room)) };
}

describe('a question that names an adapter', () => {
  it('goes to who has it, and says so to the engine', async () => {
    const without = await lend(file);
    const other = await lend(having(CODE));
    const able = await lend(having(CODE, LAW));
    const outcome = consume((await w.join()).ask(asked(), never));
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ text: WORDS.join(''), error: null });
    expect(outcome.events).toContainEqual(
      expect.objectContaining({ type: 'provider', candidate: expect.objectContaining({ peerId: able.mesh.self }) }),
    );
    expect([without, other, able].map(({ engine }) => engine.adapters)).toEqual([[], [], [LAW]]);
  });

  it('goes to who fetches what it does not have, too', async () => {
    await lend(having(CODE));
    const { engine } = await lend({ ...having(CODE), fetchesAdapters: true });
    const outcome = consume((await w.join()).ask(asked(), never));
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ text: WORDS.join(''), error: null });
    expect(engine.adapters).toEqual([LAW]);
  });

  it('comes from programs, too', async () => {
    const { engine } = await lend(having(LAW));
    const mesh = await w.join();
    const client = new MeshClient({ mesh, control: mesh.control, close: () => mesh.close() });
    const messages = [{ role: 'user' as const, content: 'why?' }];
    const text = client.chat({ model: advert.id, messages, adapter: LAW }).text();
    await w.clock.advance(1_000);
    expect(await text).toBe(WORDS.join(''));
    expect(engine.adapters).toEqual([LAW]);
  });

  it('ends at once where nobody has it, and says what is missing', async () => {
    await lend(having(CODE));
    const outcome = consume((await w.join()).ask(asked(), never));
    await w.clock.advance(1_000);
    expect(outcome.error).toMatchObject({ code: 'no_provider', message: expect.stringContaining('this adapter') });
  });

  it('is refused by a provider whom a server named that is mistaken', async () => {
    const { mesh, engine, statuses } = await lend(having(CODE));
    w.server.providers.set(mesh.self, { ...w.server.providers.get(mesh.self)!, model: having(LAW) });
    const outcome = consume((await w.join()).ask(asked(), never));
    await w.clock.advance(1_000);
    expect(outcome.error).toMatchObject({ code: 'unsupported', message: expect.stringContaining('this adapter') });
    expect(engine.adapters).toEqual([]);
    expect(statuses.every(({ busySlots }) => busySlots === 0)).toBe(true);
  });

  it('is not asked at all when it names none that there can be', async () => {
    const outcome = consume((await w.join()).ask(asked('../law.gguf'), never));
    await w.clock.advance(0);
    expect(outcome.error).toMatchObject({ code: 'unsupported' });
    expect(w.server.received).not.toContain('match');
  });

  it('is gone on with by another with the same adapter, and by nobody else', async () => {
    const first = await lend(having(LAW));
    first.engine.failAfter = { words: 2, error: new MeshError('device_lost', 'The GPU is gone.') };
    const without = await lend(file);
    const other = await lend(having(CODE));
    const heir = await lend(having(LAW, CODE));
    const outcome = consume((await w.join()).ask(asked(), never));
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WORDS.join(''), error: null });
    expect(outcome.events).toContainEqual(
      expect.objectContaining({ type: 'resumed', seam: expect.objectContaining({ atToken: 2, sameFile: true }) }),
    );
    expect([without, other].map(({ engine }) => engine.prefixes)).toEqual([[], []]);
    expect(heir.engine.prefixes).toMatchObject([{ tokens: 2, tokenIds: [1, 2] }]);
    expect(heir.engine.adapters).toEqual([LAW]);
  });

  it('breaks off where power fails and nobody else has the adapter', async () => {
    const first = await w.provide(new ScriptedEngine(WORDS), 4, 1, having(LAW), ROOM);
    const without = await lend(having(CODE));
    const outcome = consume((await w.join()).ask(asked(), never));
    await w.clock.advance(1_500);
    expect(outcome.text).toBe('one two ');
    w.powerFails(first.mesh.self);
    w.server.providers.delete(first.mesh.self);
    await w.clock.advance(120_000);
    expect(outcome).toMatchObject({ text: 'one two ', error: { code: 'provider_lost' } });
    expect(without.engine.prefixes).toEqual([]);
  });

  it('finds who has it while the server is away', async () => {
    // Links are open to these two alone.
    const without = await lend(file);
    await lend(file);
    const able = await lend(having(LAW));
    const user = await w.join();
    consume(user.ask(question(), never));
    await w.clock.advance(1_000);
    w.server.goAway();
    await w.clock.advance(60_000);
    const outcome = consume(user.ask(asked(), never));
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WORDS.join(''), error: null });
    expect(able.engine.adapters.at(-1)).toBe(LAW);
    expect(without.engine.adapters).not.toContain(LAW);
  });
});

describe('a provider that holds one adapter at once', () => {
  it('has a question for another one wait in its line, beside answers of the model as it is', async () => {
    const { engine, mesh } = await lend(having(LAW, CODE), { adapters: 1, slots: 2 });
    let release = () => {};
    engine.hold = new Promise((resolve) => (release = resolve));
    const user = await w.join();
    const ask = async (request: Parameters<typeof user.ask>[0]) => {
      const outcome = consume(user.ask({ ...request, hedge: false }, never));
      await w.clock.advance(100);
      return outcome;
    };
    const law = await ask(asked(LAW));
    const code = await ask(asked(CODE));
    // Its turn comes after the other's, though its adapter is there.
    const law2 = await ask(asked(LAW));
    const plain = await ask(question());
    expect(engine.adapters).toEqual([LAW, undefined]);
    expect(code.events.at(-1)).toMatchObject({ type: 'accepted', ahead: 1 });
    engine.hold = null;
    release();
    await w.clock.advance(1_000);
    for (const outcome of [law, code, law2, plain])
      expect(outcome).toMatchObject({ text: WORDS.join(''), error: null });
    expect(engine.adapters).toEqual([LAW, undefined, CODE, LAW]);
    expect(w.server.providers.has(mesh.self)).toBe(true);
  });

  it('does not write more answers at once with it than its place in memory has', async () => {
    const { engine, statuses } = await lend(having(LAW), { adapters: 1, slots: 2 });
    engine.hold = new Promise(() => {});
    const user = await w.join();
    for (let i = 0; i < 3; i++) consume(user.ask({ ...asked(LAW), hedge: false }, never));
    await w.clock.advance(1_000);
    expect(engine.computing).toBe(2);
    expect(statuses.at(-1)).toMatchObject({ busySlots: 2, queued: 1 });
  });
});

describe('what is kept of an answer', () => {
  const kept = { text: 'one two ', tokens: 2, tokenIds: [1, 2], sha256: file.sha256 };

  it.each([
    ['with the same adapter', { ...kept, adapter: LAW }, LAW, true],
    ['with another', { ...kept, adapter: CODE }, LAW, false],
    ['without one', kept, LAW, false],
    ['with one, and is asked without', { ...kept, adapter: LAW }, undefined, false],
    ['without one, and is asked so', kept, undefined, true],
  ])('was written by the same file only %s', (_name, begun, adapter, same) => {
    const answer = new DeliveredAnswer(begun, adapter);
    expect(answer.isFile(file)).toBe(same);
    expect(answer.prefixFor(file)).toEqual({ text: 'one two ', tokens: 2, tokenIds: same ? [1, 2] : null });
    expect(answer.kept.adapter).toBe(adapter);
  });
});
