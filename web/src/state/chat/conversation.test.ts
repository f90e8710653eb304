import { MAX_TURNS } from '@llmesh/core/protocol';
import type { ModelId } from '@llmesh/core/base/ids';
import { peerName } from '@llmesh/core/identity/names';
import { describe, expect, it } from 'vitest';
import { contextOf } from './context.ts';
import { FakeMesh } from '../../testing/fake-mesh.ts';
import type { Answer } from './turn.ts';

function lastAnswer(mesh: FakeMesh): Answer {
  return mesh.chat.open.turns.at(-1) as Answer;
}

async function asking(text = 'How?'): Promise<FakeMesh> {
  const mesh = new FakeMesh();
  await mesh.open({});
  mesh.chat.ask(text);
  await mesh.settle();
  return mesh;
}

describe('Conversation, over a fake mesh', () => {
  it('goes from the question to the receipt', async () => {
    const mesh = await asking();
    expect(lastAnswer(mesh).state).toBe('looking');
    await mesh.provide();
    await mesh.event({ type: 'accepted', ahead: 2 });
    expect(lastAnswer(mesh)).toMatchObject({ state: 'queued', ahead: 2 });
    await mesh.event({ type: 'accepted', ahead: 0 });
    expect(lastAnswer(mesh).state).toBe('reading');
    await mesh.piece('Like ');
    await mesh.piece('this.');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'writing', text: 'Like this.', provider: mesh.provider });
    expect(mesh.chat.answering).toEqual([mesh.provider]);
    await mesh.done();
    expect(lastAnswer(mesh)).toMatchObject({
      state: 'done',
      receipt: { path: 'direct', firstTokenMs: 310, cut: false },
    });
    expect(mesh.chat.open.running).toBeNull();
    expect(mesh.said.at(-1)).toBe(`Answer from ${peerName(mesh.provider)}, complete.`);
  });

  it('sends what was said before, and nothing that got no answer', async () => {
    const mesh = await asking('one');
    await mesh.provide();
    await mesh.piece('1');
    await mesh.done();
    mesh.chat.ask('lost');
    await mesh.settle();
    await mesh.fail('engine_failed');
    mesh.chat.ask('two');
    await mesh.settle();
    expect(mesh.asked.at(-1)!.request.turns).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: '1' },
      { role: 'user', content: 'two' },
    ]);
  });

  it('asks the tiny model at temperature 0, others as set', async () => {
    const mesh = await asking();
    expect(mesh.asked[0]!.request.sampling).toEqual({ temperature: 0.7 });
    expect(mesh.settings.samplingFor('llmesh-tiny')).toEqual({ temperature: 0 });
  });

  it('stops when the person says so, and keeps what there is', async () => {
    const mesh = await asking();
    await mesh.provide();
    await mesh.piece('Half');
    mesh.chat.open.stop();
    await mesh.settle();
    expect(mesh.asked[0]!.signal.aborted).toBe(true);
    expect(lastAnswer(mesh)).toMatchObject({ state: 'stopped', text: 'Half', tokens: 1, error: null });
  });

  it('says who left, and that nothing is lost', async () => {
    const mesh = await asking();
    await mesh.provide();
    await mesh.piece('Half');
    await mesh.fail('provider_lost');
    const name = peerName(mesh.provider);
    expect(lastAnswer(mesh)).toMatchObject({
      state: 'failed',
      text: 'Half',
      error: { code: 'provider_lost', message: `${name} left. What you have is kept.` },
    });
  });

  it('keeps half an answer when the second try gets nowhere', async () => {
    const mesh = await asking();
    await mesh.provide();
    await mesh.piece('Half');
    await mesh.fail('provider_lost');
    mesh.chat.open.again(lastAnswer(mesh).id);
    await mesh.settle();
    expect(lastAnswer(mesh).text).toBe('');
    await mesh.fail('connect_failed', 'No way there.');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'failed', text: 'Half', error: { code: 'connect_failed' } });
    await mesh.offer();
    mesh.chat.open.again(lastAnswer(mesh).id);
    await mesh.settle();
    expect(lastAnswer(mesh)).toMatchObject({ state: 'failed', text: 'Half', error: { code: 'no_provider' } });
  });

  it('keeps the question while nobody has the model, and sends it when somebody comes', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.offers.choose('qwen3-8b');
    await mesh.offer();
    mesh.chat.ask('Anybody?');
    await mesh.settle();
    expect(lastAnswer(mesh)).toMatchObject({ state: 'waiting', why: 'model' });
    expect(mesh.chat.open.running).toBeNull();
    expect(mesh.asked).toHaveLength(0);
    await mesh.offer({});
    expect(mesh.asked).toHaveLength(1);
    expect(lastAnswer(mesh).state).toBe('looking');
  });

  it('takes any model when nobody lent one', async () => {
    const mesh = new FakeMesh();
    await mesh.open();
    mesh.chat.ask('Anybody?');
    await mesh.settle();
    expect(lastAnswer(mesh).model).toBeNull();
    await mesh.offer({ id: 'llmesh-tiny' as ModelId, name: 'LLMesh tiny' });
    expect(mesh.asked[0]!.request.model).toBe('llmesh-tiny');
    expect(lastAnswer(mesh).model?.name).toBe('LLMesh tiny');
  });

  it('does not ask again by itself what was just refused', async () => {
    const mesh = await asking();
    await mesh.fail('no_provider');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'waiting', why: 'model' });
    expect(mesh.asked).toHaveLength(1);
    await mesh.offer({});
    expect(mesh.asked).toHaveLength(2);
  });

  it('keeps the question while offline, and names that', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.connection.takeOnline(false);
    mesh.chat.ask('Anybody?');
    await mesh.settle();
    expect(lastAnswer(mesh)).toMatchObject({ state: 'waiting', why: 'network' });
    mesh.connection.takeOnline(true);
    mesh.chat.wake();
    await mesh.settle();
    expect(mesh.asked).toHaveLength(1);
  });

  it('sends kept questions one after the other', async () => {
    const mesh = new FakeMesh();
    await mesh.open();
    mesh.chat.ask('first');
    mesh.chat.ask('second');
    await mesh.offer({});
    expect(mesh.asked.map(({ request }) => request.turns.at(-1)?.content)).toEqual(['first']);
    await mesh.provide();
    await mesh.piece('1');
    await mesh.done();
    expect(mesh.asked.map(({ request }) => request.turns.at(-1)?.content)).toEqual(['first', 'second']);
  });

  it('changes to another model while in line', async () => {
    const mesh = await asking();
    await mesh.offer({ busySlots: 1 }, { id: 'gemma' as ModelId, name: 'Gemma 3 4B' });
    await mesh.event({ type: 'accepted', ahead: 1 });
    const other = mesh.offers.freeBesides('qwen3-8b' as ModelId)!;
    await mesh.chat.open.use(lastAnswer(mesh).id, other);
    await mesh.settle();
    expect(mesh.asked[0]!.signal.aborted).toBe(true);
    expect(mesh.asked[1]!.request.model).toBe('gemma');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'looking', model: { name: 'Gemma 3 4B' } });
  });

  it('gives a refused text back, whole', async () => {
    const text = 'word '.repeat(20_000);
    const mesh = await asking(text);
    await mesh.fail('prompt_too_long', 'Too long.');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'failed', error: { code: 'prompt_too_long' } });
    expect(lastAnswer(mesh).error!.message).toMatch(/about 21,\d\d\d tokens, and the model holds 4,096/);
    mesh.chat.edit(lastAnswer(mesh).id);
    await mesh.settle();
    expect(mesh.chat.draft).toBe(text);
    expect(mesh.chat.open.turns).toHaveLength(0);
  });

  it('sends nothing empty, and says why', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.chat.draft = '  \n ';
    mesh.chat.send();
    await mesh.settle();
    expect(mesh.chat.open.turns).toHaveLength(0);
    expect(mesh.chat.hint).toBe('Write a question first.');
    mesh.chat.draft = 'x';
    expect(mesh.chat.hint).toBeNull();
  });

  it('leaves the box alone while an answer is written', async () => {
    const mesh = await asking();
    mesh.chat.draft = 'next';
    mesh.chat.send();
    expect(mesh.chat.draft).toBe('next');
    expect(mesh.chat.open.turns).toHaveLength(2);
  });
});

describe('contextOf', () => {
  it('drops the oldest turns when there are more than the mesh carries', () => {
    const turns = Array.from({ length: MAX_TURNS }, (_, i) => [
      { role: 'user' as const, id: `q${i}`, text: `q${i}` },
      { role: 'assistant' as const, id: `a${i}`, scope: 'anyone', text: `a${i}`, thought: null } as Answer,
    ]).flat();
    const context = contextOf(turns, `a${MAX_TURNS - 1}`, { contextTokens: null, scale: 1 });
    expect(context.length).toBeLessThanOrEqual(MAX_TURNS);
    expect(context[0]!.role).toBe('user');
    expect(context.at(-1)).toEqual({ role: 'user', content: `q${MAX_TURNS - 1}` });
  });
});
