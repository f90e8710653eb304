import { billOf } from '@llmesh/core/ask/bill';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { MeshError } from '@llmesh/core/base/errors';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { describe, expect, it } from 'vitest';
import { holdsBack } from './chat/context.ts';
import { FakeMesh } from '../testing/fake-mesh.ts';
import { newTalk, parseTalk, parseTurn } from './chat/kept-conversation.ts';
import { mayReach, SCOPES } from './scope.ts';
import type { Answer } from './chat/turn.ts';

const TINY = {
  id: 'llmesh-tiny' as ModelId,
  format: 'gguf',
  name: 'LLMesh tiny',
  quant: 'q8',
  summary: '',
  parameters: 3e6,
  sizeBytes: 3.4e6,
  memoryBytes: 1e8,
  sha256: null,
} as CatalogueModel;

function lastAnswer(mesh: FakeMesh): Answer {
  return mesh.chat.open.turns.at(-1) as Answer;
}

async function asking(mesh: FakeMesh, text: string): Promise<void> {
  mesh.chat.ask(text);
  await mesh.settle();
}

/** This device answers the last question it was asked. */
async function answerHere(mesh: FakeMesh, text: string): Promise<void> {
  const { events } = mesh.askedHere.at(-1)!;
  events.push({ type: 'accepted', ahead: 0 });
  events.push({ type: 'piece', text, tokens: 1, tokenIds: null });
  const receipt = {
    finish: 'stop',
    promptTokens: 1,
    completionTokens: 1,
    path: null,
    receipt: 'none',
    seams: [],
    bill: billOf([]),
  } as const;
  events.push({
    type: 'done',
    summary: { ...receipt, provider: newPeerId(), firstTokenMs: 5, tokensPerSecond: null },
  });
  events.end();
  await mesh.settle();
}

async function withTinyHere(mesh = new FakeMesh()): Promise<FakeMesh> {
  mesh.catalogue = [TINY];
  mesh.chat.open.scope = 'device';
  await mesh.settle();
  return mesh;
}

it('what was said reaches no ring wider than its own', () => {
  const may = SCOPES.map((said) => SCOPES.filter((asked) => mayReach(said, asked)));
  expect(may).toEqual([['device'], ['device', 'trusted'], ['device', 'trusted', 'anyone']]);
});

describe('This device only, over a fake mesh', () => {
  it('answers without a mesh, and asks nobody', async () => {
    const mesh = await withTinyHere();
    await asking(mesh, 'private');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'looking', scope: 'device', model: { id: 'llmesh-tiny' } });
    await answerHere(mesh, 'Here.');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'done', text: 'Here.', provider: null });
    expect(mesh.said.at(-1)).toBe('Answer from This device, complete.');
    expect(mesh.asked).toEqual([]);
  });

  it('stays here when it fails, whoever lends the model', async () => {
    const mesh = await withTinyHere();
    await mesh.open({ id: TINY.id });
    await asking(mesh, 'private');
    mesh.askedHere.at(-1)!.events.end(new MeshError('out_of_memory', 'Too big.'));
    await mesh.settle();
    expect(lastAnswer(mesh)).toMatchObject({ state: 'failed', error: { code: 'out_of_memory' } });
    await mesh.offer({ id: TINY.id, providers: 3 });
    mesh.chat.open.again(lastAnswer(mesh).id);
    await mesh.settle();
    expect([mesh.askedHere.length, mesh.asked.length]).toEqual([2, 0]);
  });

  it('waits until it is known what this device can run', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.chat.open.scope = 'device';
    await mesh.settle();
    await asking(mesh, 'private');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'waiting', why: 'device' });
    mesh.catalogue = [TINY];
    mesh.chat.wake();
    await mesh.settle();
    expect([mesh.askedHere.length, mesh.asked.length]).toEqual([1, 0]);
  });

  it('is a way out of a wait for the mesh', async () => {
    const mesh = new FakeMesh();
    mesh.catalogue = [TINY];
    mesh.connection.takeOnline(false);
    await asking(mesh, 'anybody?');
    expect(lastAnswer(mesh)).toMatchObject({ state: 'waiting', why: 'network', scope: 'anyone' });
    await mesh.chat.open.useScope(lastAnswer(mesh).id, 'device');
    await mesh.settle();
    expect(mesh.askedHere.length).toBe(1);
    // For that question only.
    expect(mesh.chat.open.scope).toBe('anyone');
  });
});

describe('Volunteers I trust, over a fake mesh', () => {
  it('asks those on the list and no one else', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.trusted.trust(mesh.provider, true);
    mesh.lends({});
    mesh.chat.open.scope = 'trusted';
    await mesh.settle();
    await asking(mesh, 'for friends');
    expect(mesh.asked.at(-1)!.request.only).toEqual([mesh.provider]);
  });

  it('keeps the question while nobody is trusted, and does not ask the mesh', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.lends({});
    mesh.chat.open.scope = 'trusted';
    await asking(mesh, 'for friends');
    await mesh.offer({ providers: 9 });
    expect(lastAnswer(mesh)).toMatchObject({ state: 'waiting', why: 'trusted' });
    expect(mesh.asked).toEqual([]);
    mesh.trusted.trust(mesh.provider, true);
    await mesh.settle();
    expect(mesh.asked.map(({ request }) => request.only)).toEqual([[mesh.provider]]);
  });

  for (const code of ['no_provider', 'no_trusted_provider'] as const) {
    it(`keeps the question after ${code}, and asks again when one of them lends it`, async () => {
      const mesh = new FakeMesh();
      await mesh.open({});
      mesh.trusted.trust(mesh.provider, true);
      mesh.chat.open.scope = 'trusted';
      await mesh.settle();
      await asking(mesh, 'for friends');
      await mesh.fail(code);
      expect(lastAnswer(mesh)).toMatchObject({ state: 'waiting', why: 'trusted' });
      await mesh.clock.advance(10_000);
      // Many others lend it: that changes nothing.
      await mesh.offer({ providers: 50 });
      expect(mesh.asked.length).toBe(1);
      mesh.lends({});
      mesh.lending.look();
      await mesh.clock.advance(10_000);
      await mesh.settle();
      expect(mesh.asked.map(({ request }) => request.only)).toEqual([[mesh.provider], [mesh.provider]]);
    });
  }

  it('takes a model that they have when none was chosen', async () => {
    const mesh = new FakeMesh();
    mesh.trusted.trust(mesh.provider, true);
    await mesh.open({ id: 'big' as ModelId, name: 'Big', providers: 9 }, { id: 'theirs' as ModelId, name: 'Theirs' });
    mesh.lends({ id: 'theirs' as ModelId });
    mesh.chat.open.scope = 'trusted';
    await mesh.settle();
    await asking(mesh, 'for friends');
    expect(mesh.asked.at(-1)!.request.model).toBe('theirs');
  });

  it('asks the server who is here once in ten seconds at most', async () => {
    const mesh = new FakeMesh();
    mesh.trusted.trust(mesh.provider, true);
    for (let i = 0; i < 20; i++) mesh.lending.look();
    await mesh.settle();
    expect(mesh.looks).toBe(1);
    await mesh.clock.advance(10_000);
    await mesh.settle();
    expect(mesh.looks).toBe(2);
    await mesh.clock.advance(60_000);
    expect(mesh.looks).toBe(2);
  });
});

describe('A changed choice, over a fake mesh', () => {
  it('is for the next question: one that waits keeps its own', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.chat.open.scope = 'trusted';
    await asking(mesh, 'for friends');
    mesh.chat.open.scope = 'anyone';
    await mesh.offer({ providers: 2 });
    expect(mesh.asked).toEqual([]);
    await asking(mesh, 'for all');
    expect(mesh.asked.map(({ request }) => [request.only, request.turns.at(-1)?.content])).toEqual([[null, 'for all']]);
  });

  it('does not send along what was meant for fewer', async () => {
    const mesh = await withTinyHere();
    await mesh.open({});
    await asking(mesh, 'my secret');
    await answerHere(mesh, 'I keep it.');
    mesh.chat.open.scope = 'anyone';
    expect(holdsBack(mesh.chat.open.turns, 'anyone')).toBe(true);
    await asking(mesh, 'and the weather?');
    expect(mesh.asked.at(-1)!.request.turns).toEqual([{ role: 'user', content: 'and the weather?' }]);
    await mesh.provide();
    await mesh.piece('Wet.');
    await mesh.done();
    // The other way round nothing is lost.
    mesh.chat.open.scope = 'device';
    await asking(mesh, 'so?');
    expect(mesh.askedHere.at(-1)!.request.turns.map(({ content }) => content)).toEqual([
      'my secret',
      'I keep it.',
      'and the weather?',
      'Wet.',
      'so?',
    ]);
  });

  it('widens a question only when the person says so of this one', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.chat.open.scope = 'trusted';
    await asking(mesh, 'for friends');
    await mesh.chat.open.useScope(lastAnswer(mesh).id, 'anyone');
    await mesh.settle();
    expect(mesh.asked.map(({ request }) => request.only)).toEqual([null]);
    expect(mesh.chat.open.scope).toBe('trusted');
  });
});

describe('What is kept of it', () => {
  it('comes back with the conversation and with its waiting question', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.chat.open.scope = 'trusted';
    await asking(mesh, 'for friends');
    const { id } = mesh.chat.open;
    const later = new FakeMesh(mesh.store);
    await later.conversations.restore();
    await later.open({ providers: 4 });
    await later.chat.restore();
    await later.chat.show(id);
    expect([later.chat.open.scope, lastAnswer(later).scope, lastAnswer(later).state]).toEqual([
      'trusted',
      'trusted',
      'waiting',
    ]);
    expect(later.asked).toEqual([]);
  });

  it('follows the settings until something was asked', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.settings.scope = 'trusted';
    expect(mesh.chat.open.scope).toBe('trusted');
    await asking(mesh, 'for friends');
    mesh.settings.scope = 'anyone';
    expect(mesh.chat.open.scope).toBe('trusted');
    const later = new FakeMesh(mesh.store, mesh.kept);
    await later.settings.restore();
    expect(later.chat.open.scope).toBe('anyone');
  });

  it('is anyone where there was no choice yet, and the narrowest where it cannot be read', () => {
    const { scope: narrowest, ...talk } = newTalk('a', 'a', 1);
    expect(parseTalk(talk)?.scope).toBe('anyone');
    expect(parseTalk({ ...talk, scope: 'everybody' })?.scope).toBe(narrowest);
    const turn = (scope: object) =>
      parseTurn({
        role: 'assistant',
        id: 'a',
        model: null,
        state: 'done',
        why: null,
        provider: null,
        native: false,
        ahead: 0,
        text: 'x',
        tokens: 1,
        tokensPerSecond: null,
        receipt: null,
        check: null,
        error: null,
        ...scope,
      });
    expect([{}, { scope: 7 }, { scope: 'trusted' }].map(turn)).toMatchObject([
      { scope: 'anyone' },
      { scope: 'device' },
      { scope: 'trusted' },
    ]);
  });
});
