/** Answers begun another day: real peers over memory links; engines and server are scripted. */
import { afterEach, describe, expect, it } from 'vitest';
import { MAX_PREFIX_TOKENS } from '../protocol.ts';
import { MeshError } from '../base/errors.ts';
import { advert } from '../testing/scripted-server.ts';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';

const WORDS = Array.from({ length: 40 }, (_, i) => `w${i} `);
const SHA256 = 'a'.repeat(64);
const FILE = { ...advert, sha256: SHA256 };
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

describe('an answer that was begun another day', () => {
  const begun = (tokens: number, sha256: string | null = SHA256) => ({
    text: WORDS.slice(0, tokens).join(''),
    tokens,
    tokenIds: Array.from({ length: tokens }, (_, i) => i + 1),
    sha256,
  });

  it('goes on after exactly its last word, and counts as one answer', async () => {
    const { w, engines, user } = await setUp();
    const outcome = consume(user.ask({ ...question(), maxTokens: 50, prefix: begun(15) }, never));
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WORDS.slice(15).join(''), error: null, ended: true });
    const { text, tokens, tokenIds } = begun(15);
    expect(engines[0]!.prefixes).toEqual([{ text, tokens, tokenIds }]);
    expect(outcome.events.map(({ type }) => type).slice(0, 3)).toEqual(['provider', 'accepted', 'piece']);
    expect(outcome.events.at(-1)).toMatchObject({ summary: { completionTokens: 40, seams: [], finish: 'stop' } });
    // Of what was written now.
    expect(outcome.events.at(-1)).toMatchObject({ summary: { tokensPerSecond: expect.closeTo(PER_SECOND, -1) } });
  });

  it('goes on by its text where the file is another or none', async () => {
    const { w, engines, user } = await setUp();
    for (const sha256 of ['b'.repeat(64), null]) {
      const outcome = consume(user.ask({ ...question(), prefix: begun(15, sha256) }, never));
      await w.clock.advance(5_000);
      expect(outcome.text).toBe(WORDS.slice(15).join(''));
    }
    expect(engines[0]!.prefixes.map((prefix) => prefix?.tokenIds)).toEqual([null, null]);
  });

  it('writes so many tokens more as it is asked for', async () => {
    const { w, user } = await setUp();
    const outcome = consume(user.ask({ ...question(), maxTokens: 7, prefix: begun(15) }, never));
    await w.clock.advance(5_000);
    expect(outcome.text).toBe(WORDS.slice(15, 22).join(''));
  });

  it('outlives providers in its turn', async () => {
    const { w, engines, user } = await setUp(2);
    engines[0]!.failAfter = { words: 5, error: new MeshError('out_of_memory', 'Full.') };
    const outcome = consume(user.ask({ ...question(), prefix: begun(15) }, never));
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: WORDS.slice(15).join(''), error: null });
    expect(engines[1]!.prefixes).toMatchObject([{ tokens: 20, tokenIds: begun(20).tokenIds }]);
  });

  it('is not begun anew by those who cannot go on', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(WORDS);
    await w.provide(engine, 1, PER_SECOND, { ...FILE, continues: 'none' });
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), prefix: begun(15) }, never));
    await w.clock.advance(5_000);
    expect(outcome).toMatchObject({ text: '', error: { code: 'no_provider' } });
    expect(engine.prefixes).toEqual([]);
  });

  it('is refused when it is too long to send', async () => {
    const { w, user } = await setUp();
    const prefix = { text: 'x', tokens: MAX_PREFIX_TOKENS + 1, tokenIds: null, sha256: null };
    const outcome = consume(user.ask({ ...question(), prefix }, never));
    await w.clock.advance(10);
    expect(outcome.error?.code).toBe('prompt_too_long');
    expect(w.server.received).not.toContain('match');
  });
});
