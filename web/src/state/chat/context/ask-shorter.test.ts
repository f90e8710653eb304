/** A conversation that outgrows the memory of its model, over a fake mesh. */
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { canGoOn, type Answer } from '../turn.ts';

const lastAnswer = (mesh: FakeMesh) => mesh.chat.open.turns.at(-1) as Answer;
const lastTurns = (mesh: FakeMesh) => mesh.asked.at(-1)!.request.turns;
const LONG = 'word '.repeat(300);

async function ask(mesh: FakeMesh, question: string): Promise<void> {
  mesh.chat.ask(question);
  await mesh.settle();
}

async function answer(mesh: FakeMesh, text: string, finish: 'stop' | 'length' = 'stop'): Promise<void> {
  await mesh.provide();
  await mesh.piece(text);
  await mesh.done(2, finish);
}

/** A conversation of so many long answers. */
async function talked(answers: number): Promise<FakeMesh> {
  const mesh = new FakeMesh();
  await mesh.open({});
  for (let i = 0; i < answers; i++) {
    await ask(mesh, `Question ${i}?`);
    await answer(mesh, LONG);
  }
  return mesh;
}

describe('a conversation that is longer than the memory of its model', () => {
  it('goes on without the oldest messages, and says from where on it is sent', async () => {
    const mesh = await talked(3);
    expect(mesh.context.from).toBeNull();
    for (let i = 3; i < 30; i++) {
      await ask(mesh, `Question ${i}?`);
      await answer(mesh, LONG);
      expect(lastAnswer(mesh).state).toBe('done');
    }
    const turns = lastTurns(mesh);
    expect(turns.at(-1)).toEqual({ role: 'user', content: 'Question 29?' });
    expect(turns.length).toBeLessThan(20);
    const line = mesh.chat.open.turns.find(({ id }) => id === mesh.context.from);
    expect(line).toMatchObject({ role: 'user', text: turns[0]!.content });
  });

  it('tells how full the memory is, and warns before the first message is left out', async () => {
    const mesh = await talked(1);
    expect(mesh.context.use).toMatchObject({ contextTokens: 4096, leavesOut: false });
    const before = mesh.context.use!.tokens;
    mesh.chat.draft = LONG;
    expect(mesh.context.use!.tokens).toBeGreaterThan(before + 300);
    mesh.chat.draft = LONG.repeat(12);
    expect(mesh.context.use!.leavesOut).toBe(true);
  });

  it('is asked again by itself with less, where the provider says that it was too long, and remembers', async () => {
    const mesh = await talked(5);
    const asked = mesh.asked.length;
    await ask(mesh, 'And now?');
    const whole = lastTurns(mesh).length;
    await mesh.fail('prompt_too_long');
    expect(lastAnswer(mesh).state).toBe('looking');
    const less = lastTurns(mesh);
    expect(less.length).toBeLessThan(whole);
    expect(less[0]!.role).toBe('user');
    expect(less.at(-1)).toEqual({ role: 'user', content: 'And now?' });
    await mesh.fail('prompt_too_long');
    expect(lastTurns(mesh).length).toBeLessThan(less.length);
    await answer(mesh, 'This.');
    expect([lastAnswer(mesh).state, mesh.asked.length]).toEqual(['done', asked + 3]);
    await ask(mesh, 'And then?');
    expect(lastTurns(mesh).length).toBeLessThan(whole);
  });

  it('ends after two more tries, with numbers, and nothing useless to press', async () => {
    const mesh = await talked(5);
    const asked = mesh.asked.length;
    await ask(mesh, LONG);
    for (let i = 0; i < 3; i++) await mesh.fail('prompt_too_long');
    expect(mesh.asked).toHaveLength(asked + 3);
    expect(lastAnswer(mesh)).toMatchObject({ state: 'failed', error: { code: 'prompt_too_long' } });
    expect(lastAnswer(mesh).error!.message).toMatch(/about [\d,]+ tokens, and the model holds 4,096/);
    expect(canGoOn(lastAnswer(mesh))).toBe(false);
  });

  it('does not begin an answer anew of which words have come', async () => {
    const mesh = await talked(2);
    const asked = mesh.asked.length;
    await ask(mesh, 'And now?');
    await mesh.piece('Half');
    await mesh.fail('prompt_too_long', 'It grew too long.');
    expect(mesh.asked).toHaveLength(asked + 1);
    expect(lastAnswer(mesh)).toMatchObject({ state: 'failed', text: 'Half', error: { message: 'It grew too long.' } });
  });

  it('continues an answer that came to the end of the memory, with less of what came before', async () => {
    const mesh = await talked(8);
    await ask(mesh, 'Tell me all.');
    const before = lastTurns(mesh).length;
    await mesh.provide();
    await mesh.event({ type: 'piece', text: LONG.repeat(3), tokens: 900, tokenIds: null });
    await mesh.done(900, 'length');
    expect(canGoOn(lastAnswer(mesh))).toBe(true);
    mesh.chat.open.goOn(lastAnswer(mesh).id);
    await mesh.settle();
    const { turns, prefix } = mesh.asked.at(-1)!.request;
    expect(prefix).toMatchObject({ tokens: 900 });
    expect(turns.length).toBeLessThan(before);
    expect(turns.at(-1)).toEqual({ role: 'user', content: 'Tell me all.' });
  });

  it('believes what providers count, within reason', async () => {
    const mesh = await talked(4);
    const before = mesh.context.use!.tokens;
    await ask(mesh, 'And now?');
    await mesh.provide();
    const piece = { type: 'piece', text: 'So.', tokens: 1, tokenIds: null } as const;
    await mesh.event({ ...piece, promptTokens: 1_000_000 });
    await mesh.done();
    const plain = mesh.context.use!.tokens;
    expect(plain).toBeLessThan(before + 100);
    await ask(mesh, 'And then?');
    await mesh.event({ ...piece, promptTokens: 2 * plain });
    await mesh.done();
    expect(mesh.context.use!.tokens).toBeGreaterThan(1.8 * plain);
  });
});
