/** A long conversation shows its last turns first. What happens while the others are read is not lost, whoever does it. */
import { beforeEach, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { PretendBrowser } from '../../../testing/pretend-browser.ts';
import { MemoryStore } from '../../store.ts';
import { newAnswer, type ShownTurn } from '../turn.ts';

const TURNS = 1_000;
const ID = 'long';
const READ_MS = 400;

let a: FakeMesh;
let b: FakeMesh;

function turn(i: number): ShownTurn {
  if (i % 2 === 0) return { role: 'user', id: `t${i}`, text: `Question ${i}` };
  return { ...newAnswer(`t${i}`, 'anyone', null), state: 'done', text: `Answer ${i}` };
}

const texts = (tab: FakeMesh) => tab.chat.open.turns.map(({ text }) => text);
const all = Array.from({ length: TURNS }, (_, i) => turn(i).text);

async function read(tab: FakeMesh): Promise<void> {
  for (let waited = 0; waited < READ_MS; waited += 5) {
    await tab.clock.advance(5);
    await settle();
  }
  expect(tab.chat.open.isReading).toBe(false);
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) for (const tab of [a, b]) await tab.settle();
}

beforeEach(async () => {
  const [store, browser] = [new MemoryStore(), new PretendBrowser()];
  [a, b] = [1, 2].map(() => new FakeMesh(new MemoryStore(store), undefined, browser.openTab())) as [FakeMesh, FakeMesh];
  const turns = Array.from({ length: TURNS }, (_, i) => turn(i));
  await a.conversations.records.append(
    { id: ID, title: 'Question 0', scope: 'anyone', models: {}, asking: null, turns },
    true,
    [],
  );
  for (const tab of [a, b]) {
    await tab.conversations.restore();
    await tab.open({});
    await tab.chat.show(ID);
  }
  expect([texts(a).length, texts(a)[0], texts(a).at(-1)]).toEqual([60, 'Question 940', 'Answer 999']);
});

it('is whole soon, in its order, and is called as before meanwhile', async () => {
  expect([a.chat.open.isReading, a.chat.open.title]).toEqual([true, 'Question 0']);
  await read(a);
  expect(texts(a)).toEqual(all);
  expect(a.chat.open.title).toBe('Question 0');
});

it('has what another tab did to its earlier turns meanwhile', async () => {
  const { records } = b.conversations;
  await records.update(ID, { id: 't7', order: 7 }, (there) => ({ ...there, text: 'Changed' }));
  await records.takeOut(ID, [{ id: 't20', order: 20 }], 'Question 0');
  await settle();
  await read(a);
  const expected = all.with(7, 'Changed').filter((text) => text !== 'Question 20');
  expect(texts(a)).toEqual(expected);
});

it('is told anew as a whole to a tab that slept meanwhile, and stays so', async () => {
  const kept = await a.conversations.turns(ID);
  a.chat.open.takeAll(kept.filter(({ order }) => order !== 3));
  await read(a);
  expect(texts(a)).toEqual(all.filter((text) => text !== 'Answer 3'));
});

it('is asked with all that comes before the question', async () => {
  a.chat.ask('And now?');
  await settle();
  expect(a.asked).toEqual([]);
  await read(a);
  const { turns } = a.asked[0]!.request;
  // As many as the model holds, far more than were shown.
  expect(turns.map(({ content }) => content)).toEqual([...all.slice(1 - turns.length), 'And now?']);
  expect(turns.length).toBeGreaterThan(200);
  await a.piece('All of it.');
  await a.done();
  await settle();
  expect(texts(a)).toEqual([...all, 'And now?', 'All of it.']);
  await read(b);
  expect(texts(b)).toEqual(texts(a));
});

it('is whole at once where its reader was elsewhere than at its end', async () => {
  const next = new FakeMesh(new MemoryStore(a.store as MemoryStore), undefined, a.tab.browser.openTab());
  next.opensEarlier = true;
  await next.conversations.restore();
  const shown = next.chat.show(ID);
  for (let waited = 0; waited < READ_MS; waited += 5) {
    await next.settle();
    await next.clock.advance(5);
  }
  await shown;
  expect(texts(next)).toEqual(all);
});
