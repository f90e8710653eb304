/** Questions that wait in line: real peers over memory links; engines and server are scripted. */
import { afterEach, describe, expect, it } from 'vitest';
import { MeshError } from '../base/errors.ts';
import { advert } from '../testing/scripted-server.ts';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';

const WORDS = Array.from({ length: 40 }, (_, i) => `w${i} `);
const WHOLE = WORDS.join('');
const FILE = { ...advert, sha256: 'a'.repeat(64) };
const PER_SECOND = 20;

const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

async function setUp(providers = 1) {
  const w = world.current;
  const engines: ScriptedEngine[] = [];
  for (let i = 0; i < providers; i++) {
    engines.push(new ScriptedEngine(WORDS));
    await w.provide(engines[i]!, 1, PER_SECOND, FILE);
  }
  return { w, engines, user: await w.join() };
}

const places = (outcome: ReturnType<typeof consume>) =>
  outcome.events.flatMap((event) => (event.type === 'queued' ? [event.position] : []));

describe('while all are busy', () => {
  it('a question says where it stands, and is answered in its turn', async () => {
    const { w, user } = await setUp();
    w.server.busy = true;
    const [first, second] = [consume(user.ask(question(), never)), consume(user.ask(question(), never))];
    await w.clock.advance(10);
    expect([places(first).at(-1), places(second).at(-1)]).toEqual([1, 2]);
    expect(second.events.at(-1)).toEqual({ type: 'queued', position: 2, estimateMs: 2_000 });
    w.server.callNext();
    await w.clock.advance(3_000);
    expect(first).toMatchObject({ text: WHOLE, error: null, ended: true });
    expect([places(second).at(-1), second.text]).toEqual([1, '']);
    w.server.callNext();
    await w.clock.advance(3_000);
    expect(second).toMatchObject({ text: WHOLE, error: null, ended: true });
  });

  it('a question waits as long as the line is told of, and joins it anew when it was forgotten there', async () => {
    const { w, user } = await setUp();
    w.server.busy = true;
    const outcome = consume(user.ask(question(), never));
    for (let i = 0; i < 12; i++) {
      await w.clock.advance(5_000);
      w.server.tellPlaces();
    }
    const asked = () => w.server.received.filter((type) => type === 'match' || type === 'withdraw');
    expect(asked()).toEqual(['match']);
    await w.clock.advance(16_000);
    expect(asked()).toEqual(['match', 'withdraw', 'match']);
    w.server.callNext();
    await w.clock.advance(3_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null, ended: true });
  });

  it('a question joins the line anew when the control plane was away, and gives up when it stays away', async () => {
    const { w, user } = await setUp();
    w.server.busy = true;
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    w.server.goAway();
    w.server.comeBack();
    await w.clock.advance(5_000);
    expect([w.server.line.length, outcome.ended]).toEqual([1, false]);
    w.server.goAway();
    await w.clock.advance(20_000);
    expect(outcome.error?.code).toBe('control_unreachable');
  });

  it('a question that is stopped leaves the line', async () => {
    const { w, user } = await setUp();
    w.server.busy = true;
    const abort = new AbortController();
    const outcome = consume(user.ask(question(), abort.signal));
    await w.clock.advance(10);
    expect(w.server.line).toHaveLength(1);
    abort.abort();
    await w.clock.advance(10);
    expect(w.server.line).toEqual([]);
    expect(outcome.error?.code).toBe('cancelled');
  });

  it('nobody waits beside somebody who answers already', async () => {
    const { w, engines, user } = await setUp();
    engines[0]!.hold = new Promise(() => {});
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    w.server.busy = true;
    await w.clock.advance(5_000);
    expect(w.server.received.filter((type) => type === 'match' || type === 'withdraw')).toEqual([
      'match',
      'match',
      'withdraw',
    ]);
    expect(w.server.line).toEqual([]);
    expect(places(outcome)).toEqual([]);
  });

  it('an answer that lost its writer waits for its turn, and goes on', async () => {
    const { w, engines, user } = await setUp();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(510);
    const other = new ScriptedEngine(WORDS);
    await w.provide(other, 1, PER_SECOND, FILE);
    w.server.busy = true;
    engines[0]!.failAfter = { words: 12, error: new MeshError('device_lost', 'The graphics card is gone.') };
    await w.clock.advance(2_000);
    expect([places(outcome).at(-1), outcome.ended]).toEqual([1, false]);
    w.server.callNext();
    await w.clock.advance(3_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null, ended: true });
    expect(outcome.events.at(-1)).toMatchObject({ summary: { seams: [{ atToken: 12 }] } });
    expect(w.server.line).toEqual([]);
  });

  it('an answer goes on with one that was busy when the control plane has forgotten everybody', async () => {
    const { w, engines, user } = await setUp(2);
    const other = w.server.providers.get(w.meshes[1]!.self)!;
    w.server.providers.set(other.peerId, { ...other, busySlots: 1 });
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(510);
    w.server.providers.clear();
    engines[0]!.failAfter = { words: 12, error: new MeshError('device_lost', 'The graphics card is gone.') };
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
  });

  it('a second one whose turn would come later is let go, and may be asked again', async () => {
    const { w, engines, user } = await setUp(2);
    for (const engine of engines) engine.hold = new Promise(() => {});
    // Keeps the second busy, unknown to the server.
    const provider = w.meshes[1]!.self;
    const first = w.meshes[0]!.self;
    const candidate = w.server.providers.get(first)!;
    w.server.providers.delete(first);
    consume((await w.join()).ask({ ...question(), hedge: false }, never));
    await w.clock.advance(10);
    w.server.providers.clear();
    w.server.providers.set(first, candidate);
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    w.server.providers.set(provider, { ...candidate, peerId: provider });
    const matches = () => w.server.received.filter((type) => type === 'match').length;
    const before = matches();
    await w.clock.advance(5_000);
    expect(matches()).toBe(before + 1);
    expect(outcome.events.at(-1)).toEqual({ type: 'accepted', ahead: 0 });
    w.powerFails(first);
    await w.clock.advance(5_000);
    expect(outcome.events.at(-1)).toEqual({ type: 'accepted', ahead: 1 });
  });

  it('the wait is not held against whoever answers in the end', async () => {
    const { w, engines, user } = await setUp(2);
    w.server.busy = true;
    const prefer = w.meshes[0]!.self;
    const waited = consume(user.ask({ ...question(), prefer }, never));
    for (let i = 0; i < 12; i++) {
      await w.clock.advance(5_000);
      w.server.tellPlaces();
    }
    w.server.busy = false;
    w.server.callNext();
    await w.clock.advance(3_000);
    expect(waited.text).toBe(WHOLE);
    engines[0]!.hold = new Promise(() => {});
    const late = consume(user.ask({ ...question(), prefer }, never));
    await w.clock.advance(5_000);
    expect(late).toMatchObject({ text: WHOLE, error: null });
  });

  it('a question that is refused says why', async () => {
    const { w, user } = await setUp();
    w.server.matchRefusal = { code: 'busy', message: 'The line is full for about 3 minutes. Try again then.' };
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome.error).toMatchObject(w.server.matchRefusal);
  });
});

describe('without hedging', () => {
  it('nobody is asked beside one that is late', async () => {
    const { w, engines, user } = await setUp(2);
    engines[0]!.hold = new Promise(() => {});
    consume(user.ask({ ...question(), hedge: false }, never));
    await w.clock.advance(60_000);
    expect(engines[1]!.prefixes).toEqual([]);
  });

  it('an answer still outlives the provider that it lost', async () => {
    const { w, engines, user } = await setUp(2);
    engines[0]!.failAfter = { words: 5, error: new MeshError('out_of_memory', 'Full.') };
    const outcome = consume(user.ask({ ...question(), hedge: false }, never));
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
  });
});

describe('a question in a conversation', () => {
  it('goes to whoever has the conversation in memory, and to another when that one is gone', async () => {
    const { w, engines, user } = await setUp(3);
    const prefer = w.meshes[2]!.self;
    const outcome = consume(user.ask({ ...question(), prefer }, never));
    await w.clock.advance(3_000);
    expect(outcome.events[0]).toMatchObject({ type: 'provider', candidate: { peerId: prefer } });
    w.server.providers.delete(prefer);
    const next = consume(user.ask({ ...question(), prefer }, never));
    await w.clock.advance(3_000);
    expect([next.text, engines[2]!.prefixes.length]).toEqual([WHOLE, 1]);
  });
});
