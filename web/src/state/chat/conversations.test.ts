import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../../testing/fake-mesh.ts';
import { MemoryStore } from '../store.ts';
import type { Answer } from './turn.ts';

/** A page with this conversation in it. */
async function withTalk(question: string, answer: string, mesh = new FakeMesh()): Promise<FakeMesh> {
  await mesh.open({});
  mesh.chat.startNew();
  mesh.chat.ask(question);
  await mesh.settle();
  await mesh.provide();
  await mesh.piece(answer);
  await mesh.done();
  return mesh;
}

/** The same browser, after the page was closed. */
async function reopened(mesh: FakeMesh): Promise<FakeMesh> {
  const next = new FakeMesh(mesh.store);
  await next.conversations.restore();
  await next.chat.restore();
  return next;
}

describe('Conversations, in a memory store', () => {
  it('come back with all that was said', async () => {
    const mesh = await withTalk('What is a heron?', 'A bird.');
    const next = await reopened(mesh);
    expect(next.conversations.list.map(({ title }) => title)).toEqual(['What is a heron?']);
    await next.chat.show(next.conversations.list[0]!.id);
    expect(next.chat.open.snapshot()).toEqual(mesh.chat.open.snapshot());
  });

  it('are titled by the first line of the first question, shortened', async () => {
    const mesh = await withTalk(`${'long '.repeat(30)}\nsecond line`, 'Yes.');
    const { title } = mesh.conversations.list[0]!;
    expect(title.length).toBeLessThanOrEqual(60);
    expect(title).toMatch(/^long long .*…$/);
  });

  it('stand newest first', async () => {
    const mesh = await withTalk('first', '1');
    mesh.today += 1;
    await withTalk('second', '2', mesh);
    expect(mesh.conversations.list.map(({ title }) => title)).toEqual(['second', 'first']);
  });

  it('can be deleted, and brought back', async () => {
    const mesh = await withTalk('keep me', 'Yes.');
    const { id } = mesh.conversations.list[0]!;
    await mesh.chat.remove(id);
    await mesh.settle();
    expect(mesh.conversations.list).toEqual([]);
    expect(mesh.chat.open.turns).toEqual([]);
    expect((await reopened(mesh)).conversations.list).toEqual([]);
    await mesh.conversations.undo();
    const next = await reopened(mesh);
    expect(next.conversations.list.map(({ title }) => title)).toEqual(['keep me']);
    expect(await next.conversations.turns(id)).toHaveLength(2);
  });

  it('are all gone after clearing', async () => {
    const mesh = await withTalk('one', '1');
    await withTalk('two', '2', mesh);
    await mesh.chat.clear();
    expect((await reopened(mesh)).conversations.list).toEqual([]);
    expect(await mesh.store.list('turn/')).toEqual([]);
  });

  it('are kept while an answer is still written, and end there when the page is closed', async () => {
    const mesh = new FakeMesh();
    await mesh.open({});
    mesh.chat.ask('Tell me');
    await mesh.settle();
    await mesh.provide();
    await mesh.piece('Once upon');
    await mesh.clock.advance(1_000);
    await mesh.settle();
    const next = await reopened(mesh);
    await next.chat.show(next.conversations.list[0]!.id);
    expect(next.chat.open.turns[1]).toMatchObject({ state: 'interrupted', text: 'Once upon', error: null });
  });

  it('send a kept question after the page was closed and opened again', async () => {
    const mesh = new FakeMesh();
    await mesh.open();
    mesh.chat.ask('Anybody?');
    await mesh.settle();
    expect(mesh.conversations.list[0]!.waiting).toBe(true);
    const next = await reopened(mesh);
    await next.open({});
    expect(next.asked.map(({ request }) => request.turns)).toEqual([[{ role: 'user', content: 'Anybody?' }]]);
    await next.provide();
    await next.piece('Yes.');
    await next.done();
    expect(next.conversations.list[0]!.waiting).toBe(false);
    expect((await next.conversations.turns(next.conversations.list[0]!.id))[1]?.turn).toMatchObject({ text: 'Yes.' });
  });

  it('go on in the background while another one is read', async () => {
    const mesh = await withTalk('old', 'Old answer.');
    const old = mesh.conversations.list[0]!.id;
    mesh.chat.startNew();
    mesh.chat.ask('new');
    await mesh.settle();
    await mesh.chat.show(old);
    await mesh.piece('New answer.');
    await mesh.done();
    const found = mesh.conversations.list.find(({ title }) => title === 'new')!;
    expect((await mesh.conversations.turns(found.id))[1]?.turn).toMatchObject({ state: 'done', text: 'New answer.' });
    expect((mesh.chat.open.turns[1] as Answer).text).toBe('Old answer.');
  });

  it('lose what is damaged, and nothing beside it', async () => {
    const mesh = await withTalk('good', 'Yes.');
    mesh.chat.ask('and then?');
    await mesh.settle();
    await mesh.piece('That.');
    await mesh.done();
    const { id } = mesh.chat.open;
    const [, answer] = await mesh.store.list(`turn/${id}/`);
    await mesh.store.set([
      [`talk/${id}`, { version: 1, id, title: 7 }],
      [answer![0], { role: 'assistant', text: 3 }],
      ['talk/of-a-newer-page', { version: 4, id: 'of-a-newer-page' }],
    ]);
    const next = await reopened(mesh);
    expect(next.conversations.list).toMatchObject([{ id, title: 'good', scope: 'device' }]);
    await next.chat.show(id);
    expect(next.chat.open.turns).toMatchObject([{ text: 'good' }, { text: 'and then?' }, { text: 'That.' }]);
    expect(await mesh.store.get('talk/of-a-newer-page')).toEqual({ version: 4, id: 'of-a-newer-page' });
  });

  it('keep what was left in the box', async () => {
    const mesh = new FakeMesh();
    mesh.chat.draft = 'half a thought';
    await mesh.clock.advance(1_000);
    expect((await reopened(mesh)).chat.draft).toBe('half a thought');
  });

  it('say so when the browser has no room, and go on', async () => {
    class FullStore extends MemoryStore {
      override readonly lasting = true;
      override change(): Promise<never> {
        return Promise.reject(new DOMException('full', 'QuotaExceededError'));
      }
    }
    const mesh = await withTalk('Hello?', 'Yes.', new FakeMesh(new FullStore()));
    expect(mesh.conversations.problem).toMatch(/no room left/);
    expect(mesh.conversations.list).toHaveLength(1);
    expect((mesh.chat.open.turns[1] as Answer).text).toBe('Yes.');
  });
});
