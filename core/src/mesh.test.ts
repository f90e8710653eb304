/** Two and more peers over memory links: real requester, worker, channels and frames; scripted engine and server. */
import { afterEach, describe, expect, it } from 'vitest';
import { MeshError } from './base/errors.ts';
import { newPeerId, newTaskId, type TaskId } from './base/ids.ts';
import { textChunk } from './testing/task-messages.ts';
import { advert } from './testing/scripted-server.ts';
import { consume, never, question, World } from './testing/mesh-world.ts';
import { ScriptedEngine } from './testing/scripted-engine.ts';

const taskId = newTaskId();
const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

describe('a question', () => {
  it('is answered by a peer, whole and in order', async () => {
    const w = world.current;
    const { statuses } = await w.provide(new ScriptedEngine(['one ', 'two ', 'three']));
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome).toMatchObject({ text: 'one two three', error: null, ended: true });
    expect(outcome.events.map(({ type }) => type)).toEqual(['provider', 'accepted', 'piece', 'piece', 'piece', 'done']);
    expect(outcome.events.at(-1)).toMatchObject({ summary: { finish: 'stop', completionTokens: 3, path: 'direct' } });
    expect(statuses.at(-1)).toMatchObject({ busySlots: 0, answers: 1, tokens: 3 });
  });

  it('that is empty, or too long, goes nowhere', async () => {
    const w = world.current;
    await w.provide(new ScriptedEngine(['x']));
    const user = await w.join();
    for (const [content, code] of [
      ['  \n', 'empty_prompt'],
      ['x'.repeat(600_000), 'prompt_too_long'],
    ] as const) {
      const outcome = consume(user.ask(question(content), never));
      await w.clock.advance(10);
      expect(outcome.error?.code).toBe(code);
    }
    expect(w.server.received).not.toContain('match');
  });

  it('that nobody can answer is given back at once', async () => {
    const user = await world.current.join();
    const outcome = consume(user.ask(question(), never));
    await world.current.clock.advance(10);
    expect(outcome.error?.code).toBe('no_provider');
  });

  it('goes to the next provider when the first is not there', async () => {
    const w = world.current;
    const gone = await w.provide(new ScriptedEngine(['never']));
    w.network.peers.delete(gone.mesh.self);
    await w.provide(new ScriptedEngine(['here']));
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome.text).toBe('here');
    expect(outcome.events.filter(({ type }) => type === 'provider').length).toBe(2);
  });

  it('goes to nobody whom its requester does not want, though the server names them', async () => {
    const w = world.current;
    const unwanted = await w.provide(new ScriptedEngine(['unwanted']));
    const { peerId } = w.server.providers.get(unwanted.mesh.self)!;
    const wanted = await w.provide(new ScriptedEngine(['wanted']));
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), exclude: [peerId] }, never));
    await w.clock.advance(10);
    expect(outcome).toMatchObject({ text: 'wanted', error: null });
    await wanted.providing.stop();
    const another = consume(user.ask({ ...question(), exclude: [peerId] }, never));
    await w.clock.advance(10);
    expect(another).toMatchObject({ text: '', error: { code: 'no_provider' } });
  });

  it('goes to the next provider when the engine of the first fails before a word', async () => {
    const w = world.current;
    const broken = new ScriptedEngine(['x']);
    broken.failAfter = { words: 0, error: new MeshError('device_lost', 'The graphics card went away.') };
    const { failures } = await w.provide(broken);
    await w.provide(new ScriptedEngine(['here']));
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome.text).toBe('here');
    expect(failures.map(({ code }) => code)).toEqual(['device_lost']);
  });

  it('keeps its text when the engine fails in the middle and nobody goes on, and says why', async () => {
    const w = world.current;
    const broken = new ScriptedEngine(['one ', 'two']);
    broken.failAfter = { words: 1, error: new MeshError('out_of_memory', 'The device ran out of memory.') };
    await w.provide(broken);
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome).toMatchObject({ text: 'one ', error: { code: 'out_of_memory' } });
  });

  it('is not asked again elsewhere when it is at fault itself', async () => {
    const w = world.current;
    const full = new ScriptedEngine(['x']);
    full.failAfter = { words: 0, error: new MeshError('prompt_too_long', 'Too long.') };
    const { failures } = await w.provide(full);
    await w.provide(new ScriptedEngine(['here']));
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome.error?.code).toBe('prompt_too_long');
    expect(failures).toEqual([]);
  });
});

describe('a cancel', () => {
  it('reaches the engine', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['one ', 'two ', 'three']);
    engine.hold = new Promise(() => {});
    const { statuses } = await w.provide(engine);
    const user = await w.join();
    const abort = new AbortController();
    const outcome = consume(user.ask(question(), abort.signal));
    await w.clock.advance(100);
    expect(engine.computing).toBe(1);
    abort.abort();
    await w.clock.advance(10);
    expect(outcome.error?.code).toBe('cancelled');
    expect(engine.computing).toBe(0);
    expect(statuses.at(-1)).toMatchObject({ busySlots: 0, answers: 0 });
  });

  it('follows when the requester just stops reading', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(Array.from({ length: 50 }, (_, i) => `${i} `));
    await w.provide(engine);
    const user = await w.join();
    const read = async () => {
      for await (const event of user.ask(question(), never)) if (event.type === 'piece') break;
    };
    const done = read();
    await w.clock.advance(10);
    await done;
    await w.clock.advance(10);
    expect(engine.computing).toBe(0);
  });

  it('takes a waiting question out of the line', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['x']);
    let letGo = () => {};
    engine.hold = new Promise((resolve) => {
      letGo = resolve;
    });
    const { providing } = await w.provide(engine);
    const user = await w.join();
    const first = consume(user.ask(question(), never));
    const abort = new AbortController();
    const second = consume(user.ask(question(), abort.signal));
    const third = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(third.events.at(-1)).toEqual({ type: 'accepted', ahead: 2 });
    abort.abort();
    await w.clock.advance(10);
    expect(second.error?.code).toBe('cancelled');
    expect(third.events.at(-1)).toEqual({ type: 'accepted', ahead: 1 });
    letGo();
    await w.clock.advance(10);
    expect([first.text, third.text]).toEqual(['x', 'x']);
    expect(providing.status).toMatchObject({ busySlots: 0, queued: 0, answers: 2 });
  });
});

describe('a provider', () => {
  it('that falls silent is known as lost within 3 s', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['one ', 'two']);
    await w.provide(engine);
    const user = await w.join();
    const answer = user.ask(question(), never);
    // Nothing more after the first word: the power went.
    let words = 0;
    engine.generate = async function* () {
      words += 1;
      yield { text: 'one ', tokens: 1 };
      await new Promise(() => {});
      return { finish: 'stop', promptTokens: 1, completionTokens: 1 };
    };
    const outcome = consume(answer);
    await w.clock.advance(100);
    for (const link of w.links) link.silenced = true;
    await w.clock.advance(2_900);
    expect(outcome).toMatchObject({ text: 'one ', error: { code: 'provider_lost' }, ended: true });
    expect(words).toBe(1);
  });

  it('that thinks for long but lives is waited for', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['late']);
    let letGo = () => {};
    engine.hold = new Promise((resolve) => {
      letGo = resolve;
    });
    await w.provide(engine);
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(60_000);
    expect(outcome.ended).toBe(false);
    letGo();
    await w.clock.advance(10);
    expect(outcome.text).toBe('late');
  });

  it('keeps to the speed that its owner allows, and a cancel does not wait for it', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(Array.from({ length: 40 }, (_, i) => `${i} `));
    await w.provide(engine, 1, 10);
    const user = await w.join();
    const abort = new AbortController();
    const outcome = consume(user.ask(question(), abort.signal));
    await w.clock.advance(2_050);
    const words = outcome.text.split(' ').length - 1;
    expect(words).toBeGreaterThanOrEqual(20);
    expect(words).toBeLessThanOrEqual(22);
    abort.abort();
    await w.clock.advance(0);
    expect(engine.computing).toBe(0);
  });

  it('that stops says so, and its engine is at rest when it has', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['one ', 'two']);
    engine.hold = new Promise(() => {});
    const { providing, mesh } = await w.provide(engine);
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    const stopped = providing.stop();
    await w.clock.advance(10);
    await stopped;
    expect(outcome.error?.code).toBe('provider_stopped');
    expect(engine.computing).toBe(0);
    expect(w.server.providers.has(mesh.self)).toBe(false);
  });

  it('stops computing for a requester that is gone', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['one ', 'two']);
    engine.hold = new Promise(() => {});
    await w.provide(engine);
    const user = await w.join();
    consume(user.ask(question(), never));
    await w.clock.advance(10);
    void user.close();
    await w.clock.advance(10);
    expect(engine.computing).toBe(0);
  });

  it.each([
    [4, 4, 4],
    [10, 10, 0],
  ])('takes so much from one peer and no more, with %i slots', async (slots, busySlots, queued) => {
    const w = world.current;
    const engine = new ScriptedEngine(['x']);
    engine.hold = new Promise(() => {});
    const { providing } = await w.provide(engine, slots);
    const user = await w.join();
    const outcomes = Array.from({ length: 12 }, () => consume(user.ask(question(), never)));
    await w.clock.advance(10);
    expect(providing.status).toMatchObject({ busySlots, queued });
    expect(outcomes.filter(({ error }) => error?.code === 'busy').length).toBe(12 - busySlots - queued);
  });

  it.each([
    ['pieces out of order', textChunk(taskId, 5, 'x')],
    ['more than was asked for', textChunk(taskId, 0, 'x', 101)],
    ['pieces of nothing', textChunk(taskId, 0, 'x', 0)],
    ['a giant for a token', textChunk(taskId, 0, 'x'.repeat(60_000))],
    ['what is no piece of an answer', { ...textChunk(taskId, 0, 'x'), piece: new Uint8Array([0x80]) }],
    ['what is not even packed', { ...textChunk(taskId, 0, 'x'), piece: new Uint8Array([0xdd, 255, 255, 255, 255]) }],
  ])('that sends %s is cut off', async (_, chunk) => {
    const w = world.current;
    const liar = w.network.join(newPeerId());
    w.server.providers.set(liar.self, {
      peerId: liar.self,
      agent: 'native',
      model: advert,
      slots: 1,
      busySlots: 0,
      queued: 0,
      reliability: 1,
      certificate: null,
    });
    const { Channel } = await import('./peers/channel.ts');
    const heard: string[] = [];
    liar.accept = (link) => {
      new Channel(link, w.clock, {
        closed() {},
        message(channel, message) {
          heard.push(message.kind);
          if (message.kind !== 'TASK_REQUEST') return;
          channel.send({ kind: 'TASK_ACCEPTED', taskId: message.taskId, ahead: 0 });
          channel.send({ ...chunk, taskId: message.taskId });
        },
      });
    };
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome.error?.code).toBe('bad_message');
    expect(heard).toEqual(['TASK_REQUEST', 'TASK_CANCEL']);
  });

  it('cannot write into an answer of another', async () => {
    const w = world.current;
    const { Channel } = await import('./peers/channel.ts');
    let taskId = '';
    const honest = w.network.join(newPeerId());
    honest.accept = (link) => {
      new Channel(link, w.clock, {
        closed() {},
        message(channel, message) {
          if (message.kind !== 'TASK_REQUEST') return;
          taskId = message.taskId;
          channel.send({ kind: 'TASK_ACCEPTED', taskId: message.taskId, ahead: 0 });
        },
      });
    };
    w.server.providers.set(honest.self, {
      peerId: honest.self,
      agent: 'native',
      model: advert,
      slots: 1,
      busySlots: 0,
      queued: 0,
      reliability: 1,
      certificate: null,
    });
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    const intruder = w.network.join(newPeerId());
    const channel = new Channel(await intruder.dial(user.self, never), w.clock, { closed() {}, message() {} });
    channel.send(textChunk(taskId as TaskId, 0, 'evil'));
    await w.clock.advance(10);
    expect(outcome).toMatchObject({ text: '', ended: false });
  });
});
