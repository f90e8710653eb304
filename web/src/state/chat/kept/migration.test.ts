import { expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { MemoryStore } from '../../store.ts';

const lines = (tab: FakeMesh) =>
  tab.chat.open.turns.map((turn) => (turn.role === 'user' ? turn.text : `${turn.state}: ${turn.text}`));

it('what an earlier page has kept is taken over once, whole', async () => {
  const a = new FakeMesh();
  await a.open({});
  a.chat.ask('How?');
  await a.settle();
  await a.piece('So.');
  await a.done();
  const { id } = a.chat.open;
  const turns = a.chat.open.snapshot();
  const store = new MemoryStore();
  await store.set([
    [`summary:${id}`, { id, title: 'How?', updatedAt: 5, waiting: false, scope: 'trusted' }],
    [`turns:${id}`, [...turns, { role: 'user', id: 'b', text: 'And?' }, { ...turns[1], id: 'c', state: 'writing' }, 7]],
    ['draft', 'half a thought'],
  ]);
  const [b, c] = [new FakeMesh(store), new FakeMesh(new MemoryStore(store))];
  await Promise.all([b.conversations.restore(), c.conversations.restore()]);
  for (const tab of [b, c]) {
    expect(tab.conversations.list).toMatchObject([{ id, title: 'How?', updatedAt: 5, scope: 'trusted' }]);
    await tab.chat.show(id);
    expect(lines(tab)).toEqual(['How?', 'done: So.', 'And?', 'interrupted: So.']);
  }
  await b.chat.restore();
  expect((await store.list('')).map(([key]) => key.split(/[/:]/)[0])).toEqual([
    'draft',
    'talk',
    ...Array(4).fill('turn'),
  ]);
});
