/** What strangers may ask of a provider by the form of an answer, on links of memory with a scripted server and engines. */
import { afterEach, describe, expect, it } from 'vitest';
import { Channel, type Message } from '../peers/channel.ts';
import { newTaskId, type PeerId } from '../base/ids.ts';
import { MeshError } from '../base/errors.ts';
import { MAX_ANSWER_DEPTH } from '../base/json-depth.ts';
import type { AnswerInput } from '../tasks/answer-messages.ts';
import { consume, never, newIdentity, question, World } from '../testing/mesh-world.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';
import { advert } from '../testing/scripted-server.ts';
import { chatRequest } from '../testing/task-messages.ts';

const ABLE = { ...advert, abilities: ['schema' as const] };
const LISTS = '{"type":"array","items":{"$ref":"#"}}';
const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

/** Asks a provider without a lease, on a link of its own. */
async function stranger(w: World, provider: PeerId) {
  const link = await w.network.join(newIdentity().peerId).dial(provider, never);
  const heard: Message[] = [];
  const channel = new Channel(link, w.clock, { closed() {}, message: (_, message) => heard.push(message) });
  /** The code that it is refused with, or the kind of the last word. */
  return async (input: Partial<AnswerInput>) => {
    channel.send(chatRequest(newTaskId(), input));
    await w.clock.advance(10);
    const last = heard.at(-1);
    return last?.kind === 'TASK_ERROR' ? last.code : last?.kind;
  };
}

describe('a form that a stranger asks for', () => {
  it('is not even read without a lease', async () => {
    const w = world.current;
    const { mesh } = await w.provide(new ScriptedEngine(['x']), 1, null, ABLE);
    const ask = await stranger(w, mesh.self);
    expect(await ask({ schema: '{"pattern":"a"}' })).toBe('lease_refused');
  });

  it('is refused, and leaves the provider free', async () => {
    const w = world.current;
    const { mesh } = await w.provide(new ScriptedEngine(['[', ']']), 1, null, ABLE);
    w.server.goAway();
    await w.clock.advance(2_000);
    const ask = await stranger(w, mesh.self);
    expect(await ask({ schema: '{"type":"string","minLength":2,"maxLength":1}' })).toBe('bad_schema');
    expect(await ask({ schema: LISTS })).toBe('TASK_RESPONSE');
  });

  it('that cannot be held to is read so often, and then later', async () => {
    const w = world.current;
    const { mesh } = await w.provide(new ScriptedEngine(['[', ']']), 1, null, ABLE);
    w.server.goAway();
    await w.clock.advance(2_000);
    const ask = await stranger(w, mesh.self);
    const outcomes: unknown[] = [];
    for (let i = 0; i < 20; i += 1) outcomes.push(await ask({ schema: '{"type":"date"}' }));
    expect(outcomes.indexOf('rate_limited')).toBe(16);
    expect(await ask({ schema: LISTS })).toBe('rate_limited');
    // Another link is no worse off, and neither is this one in a while.
    expect(await (await stranger(w, mesh.self))({ schema: LISTS })).toBe('TASK_RESPONSE');
    await w.clock.advance(2_000);
    expect(await ask({ schema: LISTS })).toBe('TASK_RESPONSE');
  });

  it('is not gone on with from a beginning that is nested without end', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['[', ']']);
    const { mesh } = await w.provide(engine, 1, null, ABLE);
    w.server.goAway();
    await w.clock.advance(2_000);
    const ask = await stranger(w, mesh.self);
    const prefix = { text: '['.repeat(MAX_ANSWER_DEPTH + 1), tokens: 1, tokenIds: null };
    expect(await ask({ schema: LISTS, prefix })).toBe('bad_schema');
    expect(engine.prefixes).toEqual([]);
    // Without a form it is a text like any other.
    expect(await ask({ prefix })).toBe('TASK_RESPONSE');
  });
});

describe('an answer that its form lets nest without end', () => {
  it('ends, and nobody else is asked to go on or blamed', async () => {
    const w = world.current;
    const brackets = Array.from({ length: 500 }, () => '[');
    const first = new ScriptedEngine(brackets);
    const { statuses, failures } = await w.provide(first, 1, null, ABLE);
    const other = new ScriptedEngine(brackets);
    await w.provide(other, 1, null, ABLE);
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), schema: LISTS, maxTokens: 1_000, hedge: false }, never));
    await w.clock.advance(5_000);
    expect(outcome.error).toMatchObject({ code: 'bad_schema', message: expect.stringContaining('64 levels') });
    expect(outcome.text.length).toBeLessThan(MAX_ANSWER_DEPTH + 9);
    expect([first.prefixes.length + other.prefixes.length, first.computing]).toEqual([1, 0]);
    expect([statuses.at(-1)?.busySlots ?? 0, failures]).toEqual([0, []]);
    for (const engine of [first, other]) engine.words = ['[', ']'];
    const again = consume(user.ask({ ...question(), schema: LISTS }, never));
    await w.clock.advance(5_000);
    expect(again).toMatchObject({ text: '[]', error: null });
  });
});

describe('sampling that makes an engine write what is no text', () => {
  it('crashes it twice in an hour at most, and leaves it to those who ask for less', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['x']);
    const { mesh } = await w.provide(engine, 1, null, { ...advert, abilities: ['logit_bias'] });
    w.server.goAway();
    await w.clock.advance(2_000);
    engine.failAfter = { words: 0, error: new MeshError('engine_failed', 'It broke.') };
    const outcomes: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      outcomes.push(await (await stranger(w, mesh.self))({ sampling: { temperature: 2 } }));
    }
    engine.failAfter = null;
    outcomes.push(await (await stranger(w, mesh.self))({ sampling: { temperature: 1.01, seed: 3 } }));
    outcomes.push(await (await stranger(w, mesh.self))({ sampling: { temperature: 1, logitBias: [[1, 100]] } }));
    outcomes.push(await (await stranger(w, mesh.self))({ sampling: { temperature: 1 } }));
    expect(outcomes).toEqual(['engine_failed', 'engine_failed', 'unsupported', 'unsupported', 'TASK_RESPONSE']);
    await w.clock.advance(3_600_001);
    expect(await (await stranger(w, mesh.self))({ sampling: { temperature: 2 } })).toBe('TASK_RESPONSE');
  });
});
