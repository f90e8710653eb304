/** Answers that did not come to their end, and what can be done about them. */
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../testing/fake-mesh.ts';
import { turnKey } from './chat/kept-conversation.ts';
import { canGoOn, type Answer } from './chat/turn.ts';

const SHA256 = 'a'.repeat(64);
const lastAnswer = (mesh: FakeMesh) => mesh.chat.open.turns.at(-1) as Answer;

/** A question with two words of its answer, and no more. */
async function halfAnswered(mesh = new FakeMesh()): Promise<FakeMesh> {
  await mesh.open({});
  mesh.chat.ask('How?');
  await mesh.settle();
  await mesh.provide({ sha256: SHA256 });
  await mesh.piece('Half ', [7]);
  await mesh.piece('an ', [8, 9]);
  return mesh;
}

async function stopped(): Promise<FakeMesh> {
  const mesh = await halfAnswered();
  mesh.chat.open.stop();
  await mesh.settle();
  return mesh;
}

/** The same browser, after the page was closed. */
async function reopened(mesh: FakeMesh): Promise<FakeMesh> {
  const next = new FakeMesh(mesh.store);
  await next.conversations.restore();
  await next.chat.restore();
  await next.open({});
  await next.chat.show(next.conversations.list[0]!.id);
  return next;
}

const KEPT = { text: 'Half an ', tokens: 3, tokenIds: [7, 8, 9], sha256: SHA256, syntax: null };

describe('an answer that was stopped', () => {
  it('is gone on with after exactly its last token', async () => {
    const mesh = await stopped();
    mesh.chat.open.goOn(lastAnswer(mesh).id);
    await mesh.settle();
    const { request } = mesh.asked[1]!;
    expect(request).toMatchObject({ prefix: KEPT, turns: [{ role: 'user', content: 'How?' }], maxTokens: 1024 });
    expect(lastAnswer(mesh)).toMatchObject({ state: 'looking', text: 'Half an ', error: null });
    await mesh.provide({ sha256: SHA256 });
    await mesh.piece('answer.', [10]);
    await mesh.done(4);
    expect(lastAnswer(mesh)).toMatchObject({
      state: 'done',
      text: 'Half an answer.',
      tokens: 4,
      ids: null,
      seams: [{ provider: mesh.provider, atToken: 3, continued: true, sameFile: true }],
    });
  });

  it('shows who went on and not who was asked in vain, and stays who began it', async () => {
    const mesh = await stopped();
    const [first, second, third] = [mesh.provider, newPeerId(), newPeerId()];
    mesh.chat.open.goOn(lastAnswer(mesh).id);
    await mesh.settle();
    mesh.provider = second;
    await mesh.provide();
    mesh.provider = third;
    await mesh.provide();
    await mesh.piece('answer.');
    expect(lastAnswer(mesh)).toMatchObject({ provider: first, seams: [{ provider: third, sameFile: false }] });
    mesh.chat.open.stop();
    await mesh.settle();
    mesh.chat.open.goOn(lastAnswer(mesh).id);
    await mesh.settle();
    expect(mesh.asked[2]!.request.prefix).toMatchObject({ tokens: 4, tokenIds: null });
  });

  it('stays as it was when nothing more comes', async () => {
    const mesh = await stopped();
    const before = mesh.chat.open.snapshot();
    mesh.chat.open.goOn(lastAnswer(mesh).id);
    await mesh.settle();
    await mesh.provide();
    mesh.chat.open.stop();
    await mesh.settle();
    expect(mesh.chat.open.snapshot()).toEqual(before);
    mesh.chat.open.goOn(lastAnswer(mesh).id);
    await mesh.settle();
    await mesh.fail('connect_failed', 'No way there.');
    expect(lastAnswer(mesh)).toMatchObject({
      state: 'failed',
      text: 'Half an ',
      seams: [],
      ids: { tokenIds: [7, 8, 9] },
    });
  });

  it('can be gone on with on another day, and when the page was closed in its middle', async () => {
    const later = await reopened(await stopped());
    later.chat.open.goOn(lastAnswer(later).id);
    await later.settle();
    expect(later.asked[0]!.request.prefix).toEqual(KEPT);
    const cut = await halfAnswered();
    await cut.clock.advance(1_000);
    await cut.settle();
    const next = await reopened(cut);
    expect(lastAnswer(next)).toMatchObject({ state: 'interrupted', text: 'Half an ', error: null });
    next.chat.open.goOn(lastAnswer(next).id);
    await next.settle();
    expect(next.asked[0]!.request.prefix).toEqual(KEPT);
  });

  it('goes on by its text when its ids cannot be read', async () => {
    const mesh = await stopped();
    const { id } = mesh.chat.open;
    const [, answer] = mesh.chat.open.snapshot();
    await mesh.store.set([[turnKey(id, 1), { ...answer, ids: { tokenIds: [-1], sha256: SHA256 } }]]);
    const next = await reopened(mesh);
    next.chat.open.goOn(lastAnswer(next).id);
    await next.settle();
    expect(next.asked[0]!.request.prefix).toEqual({ ...KEPT, tokenIds: null, sha256: null });
  });

  it('waits for somebody when that is wished, and goes on by itself', async () => {
    const mesh = await stopped();
    await mesh.offer();
    mesh.chat.open.waitFor(lastAnswer(mesh).id);
    expect(lastAnswer(mesh)).toMatchObject({ state: 'waiting', why: 'model', text: 'Half an ' });
    await mesh.settle();
    expect(mesh.conversations.list[0]!.waiting).toBe(true);
    await mesh.offer({});
    expect(mesh.asked[1]!.request.prefix).toEqual(KEPT);
    mesh.chat.open.stop();
    await mesh.settle();
    expect(lastAnswer(mesh)).toMatchObject({ state: 'stopped', text: 'Half an ' });
    await mesh.offer();
    mesh.chat.open.waitFor(lastAnswer(mesh).id);
    mesh.chat.open.stopWaiting(lastAnswer(mesh).id);
    await mesh.offer({});
    expect(mesh.asked).toHaveLength(2);
    expect(lastAnswer(mesh)).toMatchObject({ state: 'stopped', text: 'Half an ', why: null });
  });

  it('is asked anew by "Try again"', async () => {
    const mesh = await stopped();
    mesh.chat.open.again(lastAnswer(mesh).id);
    await mesh.settle();
    expect(mesh.asked[1]!.request.prefix).toBeNull();
    expect(lastAnswer(mesh).text).toBe('');
  });
});

describe('while all are busy', () => {
  async function queued(position: number, estimateMs: number | null = 40_000): Promise<FakeMesh> {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.chat.ask('How?');
    await mesh.settle();
    await mesh.event({ type: 'queued', position, estimateMs });
    return mesh;
  }

  it('the place in the line is shown as it changes, and said on entering and when it is next', async () => {
    const mesh = await queued(3);
    expect(lastAnswer(mesh)).toMatchObject({ state: 'queued', ahead: 3, estimateMs: 40_000 });
    await mesh.event({ type: 'queued', position: 3, estimateMs: 35_000 });
    await mesh.event({ type: 'queued', position: 2, estimateMs: 20_000 });
    expect(lastAnswer(mesh)).toMatchObject({ ahead: 2, estimateMs: 20_000 });
    await mesh.event({ type: 'queued', position: 1, estimateMs: null });
    await mesh.event({ type: 'queued', position: 1, estimateMs: 5_000 });
    expect(mesh.said).toEqual(['3rd in line, about 40 seconds.', 'Next in line.']);
    await mesh.provide();
    expect(lastAnswer(mesh).state).toBe('looking');
  });

  it('stopping leaves the line', async () => {
    const mesh = await queued(2);
    mesh.chat.open.stop();
    await mesh.settle();
    expect(mesh.asked[0]!.signal.aborted).toBe(true);
    expect(lastAnswer(mesh)).toMatchObject({ state: 'stopped', text: '' });
  });

  it('an answer that lost its writer keeps its words while it waits', async () => {
    const mesh = await halfAnswered();
    await mesh.interrupt();
    expect(lastAnswer(mesh)).toMatchObject({ state: 'looking', left: true });
    await mesh.event({ type: 'queued', position: 1, estimateMs: null });
    expect(lastAnswer(mesh)).toMatchObject({ state: 'queued', text: 'Half an ', left: true });
    await mesh.event({ type: 'accepted', ahead: 0 });
    await mesh.piece('answer.');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'writing', text: 'Half an answer.', left: false });
  });

  it('a refusal is shown, and the question can wait until somebody is free', async () => {
    const mesh = await queued(9);
    await mesh.fail('busy', 'The line is full for about 3 minutes.');
    expect(lastAnswer(mesh)).toMatchObject({
      state: 'failed',
      error: { message: 'The line is full for about 3 minutes.' },
    });
    await mesh.offer({ busySlots: 1 });
    mesh.chat.open.waitFor(lastAnswer(mesh).id);
    await mesh.offer({ busySlots: 1, queued: 4 });
    expect(lastAnswer(mesh)).toMatchObject({ state: 'waiting', why: 'busy' });
    expect(mesh.asked).toHaveLength(1);
    await mesh.offer({});
    expect(mesh.asked).toHaveLength(2);
  });
});

describe('how a question is asked', () => {
  it('says who answered last, with the same model and among those who may', async () => {
    const mesh = await halfAnswered();
    expect(mesh.asked[0]!.request.prefer).toBeNull();
    await mesh.done(3);
    mesh.chat.ask('And?');
    await mesh.settle();
    expect(mesh.asked[1]!.request.prefer).toBe(mesh.provider);
    await mesh.fail('engine_failed');
    await mesh.offer({}, { id: 'gemma' as ModelId, name: 'Gemma 3 4B' });
    await mesh.chat.open.use(lastAnswer(mesh).id, mesh.offers.freeBesides('qwen3-8b' as ModelId)!);
    await mesh.settle();
    expect(mesh.asked[2]!.request.prefer).toBeNull();
  });

  it('names nobody who may not be asked now', async () => {
    const mesh = await halfAnswered();
    await mesh.done(3);
    mesh.trusted.trust(newPeerId(), true);
    mesh.chat.open.scope = 'trusted';
    mesh.chat.ask('Who?');
    await mesh.settle();
    expect(mesh.asked[1]!.request.prefer).toBeNull();
    await mesh.fail('engine_failed');
    mesh.trusted.trust(mesh.provider, true);
    mesh.chat.open.again(lastAnswer(mesh).id);
    await mesh.settle();
    expect(mesh.asked[2]!.request.prefer).toBe(mesh.provider);
  });

  it('forgets who answered when the conversations are cleared', async () => {
    const mesh = await halfAnswered();
    await mesh.done(3);
    await mesh.chat.clear();
    mesh.chat.ask('And?');
    await mesh.settle();
    expect(mesh.asked[1]!.request.prefer).toBeNull();
  });

  it('is as the settings say', async () => {
    const mesh = await halfAnswered();
    expect(mesh.asked[0]!.request).toMatchObject({ hedge: true, copies: 1 });
    await mesh.done(3);
    mesh.settings.hedge = false;
    mesh.settings.fast = true;
    mesh.chat.ask('And?');
    await mesh.settle();
    expect(mesh.asked[1]!.request).toMatchObject({ hedge: false, copies: 2 });
    const next = new FakeMesh(mesh.store, mesh.kept);
    await next.settings.restore();
    expect([next.settings.hedge, next.settings.fast]).toEqual([false, true]);
  });
});

describe('an answer that was cut', () => {
  it('at the most we ask for is gone on with, as often as it takes', async () => {
    const mesh = await halfAnswered();
    await mesh.done(1024, 'length');
    expect(canGoOn(lastAnswer(mesh))).toBe(true);
    mesh.chat.open.goOn(lastAnswer(mesh).id);
    await mesh.settle();
    expect(mesh.asked[1]!.request.prefix).toMatchObject({ text: 'Half an ', tokenIds: [7, 8, 9], sha256: SHA256 });
    await mesh.provide({ sha256: SHA256 });
    await mesh.piece('answer.', [10]);
    await mesh.done(2048, 'length');
    expect(canGoOn(lastAnswer(mesh))).toBe(true);
    mesh.chat.open.goOn(lastAnswer(mesh).id);
    await mesh.settle();
    await mesh.provide({ sha256: SHA256 });
    await mesh.piece('.', [11]);
    await mesh.done(2100);
    expect(canGoOn(lastAnswer(mesh))).toBe(false);
  });

  it('at the end of the memory of its model is, too: there may be something to leave out before it', async () => {
    const mesh = await halfAnswered();
    await mesh.done(700, 'length');
    expect(canGoOn(lastAnswer(mesh))).toBe(true);
  });
});
