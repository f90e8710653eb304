/** An answer and the providers that it outlives: real peers over memory links; engine and server are scripted. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Finish, Piece } from '../engine/engine.ts';
import { MeshError } from '../base/errors.ts';
import { readJsonSchema } from '../form/json-schema.ts';
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

/** Two that lend the same file, the first of them asked; and one who asks. */
async function setUp(second: Partial<typeof FILE> = {}) {
  const w = world.current;
  const engines = [new ScriptedEngine(WORDS), new ScriptedEngine(WORDS)] as const;
  const asked = await w.provide(engines[0], 1, PER_SECOND, FILE);
  const other = await w.provide(engines[1], 1, PER_SECOND, { ...FILE, ...second });
  const user = await w.join();
  const outcome = consume(user.ask(question(), never));
  return { w, engines, asked, other, user, outcome };
}

describe('an answer that began', () => {
  it('goes on after exactly its last word when the engine fails, by token ids where the file is the same', async () => {
    const { w, engines, other, outcome } = await setUp();
    engines[0].failAfter = { words: 12, error: new MeshError('device_lost', 'The graphics card is gone.') };
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null, ended: true });
    const ids = Array.from({ length: 12 }, (_, i) => i + 1);
    expect(engines[1].prefixes).toEqual([
      { text: WORDS.slice(0, 12).join(''), tokens: 12, tokenIds: ids, syntax: null },
    ]);
    const seam = { provider: other.mesh.self, atToken: 12, sameFile: true };
    expect(outcome.events.at(-1)).toMatchObject({ summary: { completionTokens: 40, seams: [seam], finish: 'stop' } });
  });

  it('goes on by its text where the file is another', async () => {
    const { w, engines, outcome } = await setUp({ sha256: 'b'.repeat(64) });
    engines[0].failAfter = { words: 3, error: new MeshError('engine_failed', 'No more.') };
    await w.clock.advance(5_000);
    expect(outcome.text).toBe(WHOLE);
    expect(engines[1].prefixes).toEqual([{ text: 'w0 w1 w2 ', tokens: 3, tokenIds: null, syntax: null }]);
    expect(outcome.events.find(({ type }) => type === 'resumed')).toMatchObject({ seam: { sameFile: false } });
  });

  it('goes on within a second when the power of its provider fails', async () => {
    const { w, asked, outcome } = await setUp();
    await w.clock.advance(1_010);
    const before = outcome.text;
    w.powerFails(asked.mesh.self);
    await w.clock.advance(1_000);
    expect(outcome.text.length).toBeGreaterThan(before.length);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null, ended: true });
  });

  it('goes on when its engine hangs while the link lives, and the one that hangs is told to stop', async () => {
    const { w, engines, outcome } = await setUp();
    await w.clock.advance(510);
    engines[0].hold = new Promise(() => {});
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null, ended: true });
    expect(engines[0].computing).toBe(0);
  });

  it('goes on with a third when the second is not to be reached, and nobody says so', async () => {
    const { w, asked, other, outcome } = await setUp();
    await w.provide(new ScriptedEngine(WORDS), 1, PER_SECOND, FILE);
    w.network.swallowed.add(other.mesh.self);
    await w.clock.advance(1_010);
    const before = outcome.text;
    w.powerFails(asked.mesh.self);
    await w.clock.advance(4_000);
    expect(outcome.text.length).toBeGreaterThan(before.length);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
  });

  it('goes on at once when its provider leaves in good order', async () => {
    const { w, asked, outcome } = await setUp();
    await w.clock.advance(510);
    const before = outcome.text;
    await asked.providing.stop();
    await w.clock.advance(150);
    expect(outcome.text.length).toBeGreaterThan(before.length);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
  });

  it('goes on at once when the control plane says that its provider is gone', async () => {
    const { w, asked, outcome } = await setUp();
    await w.clock.advance(510);
    const before = outcome.text;
    w.powerFails(asked.mesh.self);
    w.server.tellGone(asked.mesh.self);
    await w.clock.advance(50);
    expect(outcome.text.length).toBeGreaterThan(before.length);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null, ended: true });
  });

  it('stays with its provider when that was only said to be gone, and lets go of the other', async () => {
    const { w, engines, asked, outcome } = await setUp();
    await w.clock.advance(510);
    engines[1].hold = new Promise(() => {});
    w.server.tellGone(asked.mesh.self);
    await w.clock.advance(50);
    expect(engines[1].computing).toBe(1);
    await w.clock.advance(500);
    expect(engines.map(({ computing }) => computing)).toEqual([1, 0]);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    expect(outcome.events.at(-1)).toMatchObject({ summary: { seams: [] } });
  });

  it('dials a provider anew that left, and came back, between two questions', async () => {
    const w = world.current;
    const { mesh } = await w.provide(new ScriptedEngine(WORDS), 1, PER_SECOND, FILE);
    const user = await w.join();
    const first = consume(user.ask(question(), never));
    await w.clock.advance(5_000);
    expect(first).toMatchObject({ text: WHOLE, error: null });
    const links = w.links.length;
    w.server.tellGone(mesh.self);
    const next = consume(user.ask(question(), never));
    await w.clock.advance(5_000);
    expect(next).toMatchObject({ text: WHOLE, error: null });
    expect(w.links.length).toBe(links + 1);
  });

  it('leaves no dead link behind for the next question', async () => {
    const { w, asked, user, outcome } = await setUp();
    await w.clock.advance(510);
    w.powerFails(asked.mesh.self);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    const next = consume(user.ask(question(), never));
    await w.clock.advance(100);
    // Dialled anew, and not to be reached: the other one is asked within that time.
    expect(next.text).not.toBe('');
  });

  it('has no seam when the one that was slow goes on first; the other is told to stop', async () => {
    const { w, engines, outcome } = await setUp();
    await w.clock.advance(510);
    let goOn = () => {};
    engines[0].hold = new Promise((resolve) => (goOn = resolve));
    engines[1].hold = new Promise(() => {});
    await w.clock.advance(1_000);
    expect(engines[1].computing).toBe(1);
    engines[0].hold = null;
    goOn();
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    expect(outcome.events.at(-1)).toMatchObject({ summary: { seams: [] } });
    expect(engines[1].computing).toBe(0);
  });

  it('goes on with one that was let go, when the provider that recovered leaves after all', async () => {
    const { w, engines, asked, outcome } = await setUp();
    await w.clock.advance(510);
    let goOn = () => {};
    engines[0].hold = new Promise((resolve) => (goOn = resolve));
    engines[1].hold = new Promise(() => {});
    await w.clock.advance(600);
    engines[0].hold = null;
    goOn();
    await w.clock.advance(450);
    expect(engines.map(({ computing }) => computing)).toEqual([1, 0]);
    engines[1].hold = null;
    await asked.providing.stop();
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
  });

  it('survives one provider after the other', async () => {
    const { w, engines, outcome } = await setUp();
    const third = new ScriptedEngine(WORDS);
    await w.provide(third, 1, PER_SECOND, FILE);
    engines[0].failAfter = { words: 5, error: new MeshError('out_of_memory', 'Full.') };
    engines[1].failAfter = { words: 5, error: new MeshError('out_of_memory', 'Full.') };
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    const atTokens = outcome.events.flatMap((event) => (event.type === 'resumed' ? [event.seam.atToken] : []));
    expect(atTokens).toEqual([5, 10]);
    expect(third.prefixes[0]?.tokenIds?.length).toBe(10);
  });

  it('waits for a second one that reads the prompt for longer than the first may be silent', async () => {
    const { w, engines, outcome } = await setUp();
    await w.clock.advance(510);
    let goOn = () => {};
    engines[0].hold = new Promise(() => {});
    engines[1].hold = new Promise((resolve) => (goOn = resolve));
    await w.clock.advance(7_000);
    expect(engines.map(({ computing }) => computing)).toEqual([0, 1]);
    engines[1].hold = null;
    goOn();
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    expect(engines[1].prefixes.length).toBe(1);
  });

  it('keeps what there is when nobody can go on', async () => {
    const { w, engines, outcome } = await setUp({ continues: 'none' });
    engines[0].failAfter = { words: 5, error: new MeshError('engine_failed', 'No more.') };
    await w.clock.advance(20_000);
    expect(outcome).toMatchObject({ text: WORDS.slice(0, 5).join(''), ended: true });
    expect(outcome.error?.code).toBe('engine_failed');
    expect(engines[1].prefixes).toEqual([]);
  });

  it('is whole when only the last word about it was lost', async () => {
    const { w, asked, user } = await setUp();
    const outcome = consume(user.ask({ ...question(), maxTokens: 40 }, never));
    await w.clock.advance(1_950);
    w.powerFails(asked.mesh.self);
    await w.clock.advance(20_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null, ended: true });
  });

  it('stops everywhere when its requester has enough', async () => {
    const w = world.current;
    const engines = [new ScriptedEngine(WORDS), new ScriptedEngine(WORDS)] as const;
    for (const engine of engines) await w.provide(engine, 1, PER_SECOND, FILE);
    const user = await w.join();
    const abort = new AbortController();
    const outcome = consume(user.ask(question(), abort.signal));
    await w.clock.advance(510);
    for (const engine of engines) engine.hold = new Promise(() => {});
    await w.clock.advance(1_000);
    expect(engines.map(({ computing }) => computing)).toEqual([1, 1]);
    abort.abort();
    await w.clock.advance(100);
    expect(outcome.error?.code).toBe('cancelled');
    expect(engines.map(({ computing }) => computing)).toEqual([0, 0]);
  });
});

describe('first words', () => {
  it('that are late come from somebody else', async () => {
    const w = world.current;
    const [late, quick] = [new ScriptedEngine(WORDS), new ScriptedEngine(WORDS)];
    late.hold = new Promise(() => {});
    await w.provide(late, 1, PER_SECOND, FILE);
    await w.provide(quick, 1, PER_SECOND, FILE);
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(3_900);
    expect(quick.prefixes).toEqual([]);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    expect(outcome.events.filter(({ type }) => type === 'provider').length).toBe(2);
    expect(late.computing).toBe(0);
  });

  it.each([
    [10_000, 14_000],
    [3_600_000, 34_000],
  ])('are waited for while a model is loaded for %i ms, not for ever', async (wakesInMs, lateMs) => {
    const w = world.current;
    const engines = [new ScriptedEngine(WORDS), new ScriptedEngine(WORDS)] as const;
    engines[0].hold = new Promise(() => {});
    for (const engine of engines) await w.provide(engine, 1, PER_SECOND, { ...FILE, wakesInMs });
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(lateMs - 100);
    expect(engines[1].prefixes).toEqual([]);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
  });

  it('come from a third when the second is silent as well', async () => {
    const w = world.current;
    const engines = [new ScriptedEngine(WORDS), new ScriptedEngine(WORDS), new ScriptedEngine(WORDS)] as const;
    engines[0].hold = engines[1].hold = new Promise(() => {});
    for (const engine of engines) await w.provide(engine, 1, PER_SECOND, FILE);
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(15_900);
    expect(engines.map(({ computing }) => computing)).toEqual([1, 1, 0]);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    expect(engines.map(({ computing }) => computing)).toEqual([0, 0, 0]);
  });

  it('come from another when the first is not reached in good time', async () => {
    const w = world.current;
    const [far, near] = [new ScriptedEngine(WORDS), new ScriptedEngine(WORDS)];
    w.network.swallowed.add((await w.provide(far, 1, PER_SECOND, FILE)).mesh.self);
    await w.provide(near, 1, PER_SECOND, FILE);
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(6_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
  });

  it('are asked of several at once when that is wished, and one goes on', async () => {
    const w = world.current;
    const engines = [new ScriptedEngine(WORDS), new ScriptedEngine(WORDS)] as const;
    engines[0].hold = new Promise(() => {});
    for (const engine of engines) await w.provide(engine, 1, PER_SECOND, FILE);
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), copies: 2 }, never));
    await w.clock.advance(3_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    expect(engines.map(({ prefixes }) => prefixes.length)).toEqual([1, 1]);
    expect(engines.map(({ computing }) => computing)).toEqual([0, 0]);
  });
});

describe('what a provider wrote', () => {
  /** The first one writes `pieces` and fails; the second writes WORDS, or what is left of them. */
  async function after(pieces: Piece[], failAfter: ScriptedEngine['failAfter'] = null) {
    const w = world.current;
    const liar = {
      async *generate(): AsyncGenerator<Piece, Finish, undefined> {
        yield* pieces;
        throw new MeshError('engine_failed', 'Gone.');
      },
    };
    await w.provide(liar, 1, null, FILE);
    const honest = new ScriptedEngine(WORDS);
    honest.failAfter = failAfter;
    await w.provide(honest, 2, PER_SECOND, FILE);
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), maxTokens: 5_000, hedge: false }, never));
    await w.clock.advance(5_000);
    return { honest, outcome };
  }

  it.each<[string, Piece[]]>([
    ['with more ids than tokens', [{ text: 'a', tokens: 1, tokenIds: Array(4_096).fill(5) }]],
    ['with fewer', [{ text: 'a b', tokens: 2, tokenIds: [5] }]],
    ['with odds that nobody asked for', [{ text: 'a', tokens: 1, logprobs: [{ text: 'a', logprob: -1, top: [] }] }]],
    ['for a question of more tokens than it can have', [{ text: 'a', tokens: 1, promptTokens: 9e15 }]],
    ['of longer tokens than there are', [{ text: 'a'.repeat(513), tokens: 1 }]],
  ])('is not believed %s, and goes on as if it had not been there', async (_, pieces) => {
    const { honest, outcome } = await after(pieces);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    expect(honest.prefixes).toEqual([undefined]);
  });

  it('is handed on by its text where its ids are more than can be sent', async () => {
    const { honest, outcome } = await after(
      Array.from({ length: 45 }, () => ({ text: 'a', tokens: 100, tokenIds: Array(100).fill(5) })),
    );
    expect(honest.prefixes).toMatchObject([{ text: 'a'.repeat(45), tokens: 4_500, tokenIds: null }]);
    expect(outcome.error).toBeNull();
  });

  it('ends with a word of its own where it is too long to be handed on, and breaks nobody’s link', async () => {
    const { honest, outcome } = await after(Array.from({ length: 600 }, () => ({ text: 'a'.repeat(512), tokens: 1 })));
    expect(outcome.error).toMatchObject({ code: 'cannot_go_on', message: expect.stringContaining('too long') });
    expect(honest.prefixes.length).toBe(0);
  });

  it('ends with that word, too, where nobody has room for it', async () => {
    const room = new MeshError('prompt_too_long', 'This conversation and the answer so far are too long.');
    const { honest, outcome } = await after([{ text: 'a'.repeat(500), tokens: 1 }], { words: 0, error: room });
    expect(honest.prefixes.length).toBe(1);
    expect(outcome.error?.code).toBe('cannot_go_on');
  });

  it('grows no longer when it is passed on: half a character becomes one', async () => {
    const { honest, outcome } = await after([{ text: `\ud83d${'x'.repeat(300)}`, tokens: 1 }]);
    expect(honest.prefixes).toMatchObject([{ text: `\ufffd${'x'.repeat(300)}`, tokens: 1 }]);
    expect(outcome.error).toBeNull();
  });
});

describe('an answer of a given form', () => {
  const SCHEMA = '{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}';
  const FORM = ['{"ok"', ':', 'tr', 'ue}'];
  const able = { ...FILE, abilities: ['schema' as const] };

  it.each([
    ['breaks it', ['{"ok"', ':', '"yes"', '}']],
    ['ends in the middle of it', ['{"ok"', ':']],
    ['goes on behind it', [...FORM, ', I think.']],
  ])('is believed of nobody who %s: another goes on', async (_, said) => {
    const w = world.current;
    const wrong = new ScriptedEngine(said);
    await w.provide(wrong, 1, PER_SECOND, able);
    const right = new ScriptedEngine(FORM);
    await w.provide(right, 1, PER_SECOND, able);
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), schema: SCHEMA }, never));
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: '{"ok":true}', error: null });
    expect([wrong.prefixes.length, right.prefixes.length]).toEqual([1, 1]);
  });

  it('comes from one who can hold to it, and so does its rest', async () => {
    const w = world.current;
    const engines = [new ScriptedEngine(FORM), new ScriptedEngine(FORM), new ScriptedEngine(FORM)] as const;
    for (const [i, engine] of engines.entries()) await w.provide(engine, 1, PER_SECOND, i === 0 ? FILE : able);
    engines[1].failAfter = { words: 2, error: new MeshError('engine_failed', 'No more.') };
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), schema: SCHEMA }, never));
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: '{"ok":true}', error: null });
    expect(engines[0].prefixes).toEqual([]);
    for (const engine of [engines[1], engines[2]]) expect(engine.schemas).toEqual([readJsonSchema(SCHEMA)]);
  });

  it('is refused at once when nobody can, and when the schema cannot be held to', async () => {
    const w = world.current;
    await w.provide(new ScriptedEngine(WORDS), 1, PER_SECOND, FILE);
    const user = await w.join();
    const nobody = consume(user.ask({ ...question(), schema: SCHEMA }, never));
    const wrong = consume(user.ask({ ...question(), schema: '{"pattern":"a"}' }, never));
    await w.clock.advance(10);
    expect(nobody.error).toMatchObject({ code: 'no_provider', message: expect.stringContaining('JSON') });
    expect(wrong.error?.code).toBe('bad_schema');
  });

  const OPEN = '{"type":"array","items":{"type":"integer"}}';
  const NUMBERS = ['[', ...Array.from({ length: 90 }, (_, i) => `${i},`), '7]'];

  async function providers(words: string[], count: number) {
    const w = world.current;
    const engines = Array.from({ length: count }, () => new ScriptedEngine(words));
    const lending = [];
    for (const engine of engines) lending.push(await w.provide(engine, 1, PER_SECOND, able));
    return { w, engines, lending, user: await w.join() };
  }

  it.each([0, 1])(
    'is not handed on when two broke over it, each after %i words, and is no fault of theirs',
    async (words) => {
      const { w, engines, user } = await providers(FORM, 3);
      const error = new MeshError('engine_failed', 'The engine died.');
      for (const engine of engines) engine.failAfter = { words, error };
      const outcome = consume(user.ask({ ...question(), schema: SCHEMA }, never));
      await w.clock.advance(5_000);
      expect(outcome.error?.code).toBe('question_breaks');
      expect(engines.map(({ prefixes }) => prefixes.length)).toEqual([1, 1, 0]);
      // Asked again, it goes to nobody; a free question goes to the first as before.
      const again = consume(user.ask({ ...question(), schema: SCHEMA }, never));
      for (const engine of engines) engine.failAfter = null;
      const free = consume(user.ask(question(), never));
      await w.clock.advance(5_000);
      expect([again.error?.code, free.error]).toEqual(['question_breaks', null]);
      expect(engines.map(({ prefixes }) => prefixes.length)).toEqual([2, 1, 0]);
    },
  );

  it('is not handed on at all when the first goes silent before a word, and is when it left the mesh', async () => {
    const silent = async (left: boolean) => {
      const { w, engines, lending, user } = await providers(FORM, 2);
      engines[0]!.hold = new Promise(() => {});
      const outcome = consume(user.ask({ ...question(), schema: SCHEMA }, never));
      await w.clock.advance(200);
      w.powerFails(lending[0]!.mesh.self);
      if (left) w.server.tellGone(lending[0]!.mesh.self);
      await w.clock.advance(5_000);
      return [outcome.error?.code ?? outcome.text, engines[1]!.prefixes.length];
    };
    expect(await silent(false)).toEqual(['question_breaks', 0]);
    world.current = new World();
    expect(await silent(true)).toEqual(['{"ok":true}', 1]);
  });

  it('is with two at most while neither gets on, though both live', async () => {
    const { w, engines, user } = await providers(FORM, 4);
    for (const engine of engines) engine.hold = new Promise(() => {});
    const outcome = consume(user.ask({ ...question(), schema: SCHEMA }, never));
    await w.clock.advance(60_000);
    expect(engines.map(({ computing }) => computing)).toEqual([1, 1, 0, 0]);
    expect(outcome.error).toBeNull();
  });

  it('outlives as many as it takes when it gets on between them', async () => {
    const { w, engines, lending, user } = await providers(NUMBERS, 3);
    const outcome = consume(user.ask({ ...question(), schema: OPEN }, never));
    await w.clock.advance(310);
    w.powerFails(lending[0]!.mesh.self);
    await w.clock.advance(3_000);
    w.powerFails(lending[1]!.mesh.self);
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ error: null, text: NUMBERS.join('') });
    expect(engines.map(({ prefixes }) => prefixes.length)).toEqual([1, 1, 1]);
  });

  it('is refused by a provider who cannot, whatever the server says', async () => {
    const w = world.current;
    const { mesh } = await w.provide(new ScriptedEngine(WORDS), 1, PER_SECOND, FILE);
    const offered = w.server.providers.get(mesh.self)!;
    w.server.providers.set(mesh.self, { ...offered, model: { ...offered.model, abilities: ['schema'] } });
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), schema: SCHEMA }, never));
    await w.clock.advance(1_000);
    expect(outcome.error?.code).toBe('unsupported');
  });
});

describe('an answer with the odds of its words', () => {
  it('has them of every word, whoever wrote it', async () => {
    const w = world.current;
    const able = { ...FILE, abilities: ['logprobs' as const] };
    const engines = [new ScriptedEngine(WORDS), new ScriptedEngine(WORDS), new ScriptedEngine(WORDS)] as const;
    for (const engine of engines) await w.provide(engine, 1, PER_SECOND, able);
    engines[0].failAfter = { words: 4, error: new MeshError('engine_failed', 'No more.') };
    // It does not do what it offers, and is not believed.
    engines[1].tellsOdds = false;
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), logprobs: 0 }, never));
    await w.clock.advance(20_000);
    expect(outcome).toMatchObject({ text: WHOLE, error: null });
    const odds = outcome.events.flatMap((event) => (event.type === 'piece' ? (event.logprobs ?? []) : []));
    expect(odds.map(({ text }) => text)).toEqual(WORDS);
    expect(engines.map(({ prefixes }) => prefixes.length)).toEqual([1, 1, 1]);
  });

  it('goes on with one bare text, and no more', async () => {
    const w = world.current;
    await w.provide(new ScriptedEngine(WORDS), 1, PER_SECOND, { ...FILE, abilities: ['completion'] });
    const user = await w.join();
    const one = consume(user.ask({ ...question(), task: 'completion' }, never));
    const { turns } = question();
    const two = consume(user.ask({ ...question(), turns: [...turns, ...turns], task: 'completion' }, never));
    await w.clock.advance(5_000);
    expect(one).toMatchObject({ text: WHOLE, error: null });
    expect(two.error?.code).toBe('bad_message');
  });
});
