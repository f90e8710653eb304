/** What is being written into the box outlives the tab, however it ends. */
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { memoryKept, PretendBrowser, type PretendTab } from '../../../testing/pretend-browser.ts';
import { keptUnder } from '../../kept/kept-at-once.ts';
import { MemoryStore } from '../../store.ts';

const KEEP_MS = 1_000;

/** A store that lasts, as that of a browser does. */
class LastingStore extends MemoryStore {
  override readonly lasting = true;
}

async function opened(store: MemoryStore, tab: PretendTab): Promise<FakeMesh> {
  const mesh = new FakeMesh(store, keptUnder('unkept', memoryKept()), tab);
  await mesh.conversations.restore();
  await mesh.chat.restore();
  await mesh.open({});
  return mesh;
}

const first = () => opened(new LastingStore(), new PretendBrowser().openTab());
const beside = (tab: FakeMesh) => opened(new LastingStore(tab.store as MemoryStore), tab.tab.browser.openTab());

/** The tab is killed without a word, and another one is opened. */
function afterKill(tab: FakeMesh): Promise<FakeMesh> {
  tab.tab.kill();
  return beside(tab);
}

async function asked(tab: FakeMesh, question: string): Promise<string> {
  tab.chat.ask(question);
  await tab.settle();
  await tab.piece('Yes.');
  await tab.done();
  return tab.chat.open.id;
}

async function boxOf(tab: FakeMesh, talk: string): Promise<string> {
  await tab.chat.show(talk);
  await tab.settle();
  return tab.chat.draft;
}

describe('a draft', () => {
  it('is there again after its tab was killed before the store had it, in a conversation and in a new one', async () => {
    const a = await first();
    const talk = await asked(a, 'one');
    a.chat.draft = 'half a thought';
    a.chat.startNew();
    a.chat.draft = 'another';
    const b = await afterKill(a);
    expect(b.chat.draft).toBe('another');
    expect(await boxOf(b, talk)).toBe('half a thought');
  });

  it('is the later of the two that are kept, also when that is none, and after the clock was set back', async () => {
    const a = await first();
    const talk = await asked(a, 'one');
    a.chat.draft = 'early';
    await a.clock.advance(KEEP_MS);
    a.today -= 86_400_000;
    a.chat.draft = 'late';
    const b = await afterKill(a);
    expect(await boxOf(b, talk)).toBe('late');
    await b.clock.advance(KEEP_MS);
    await b.settle();
    b.chat.draft = '';
    const c = await afterKill(b);
    expect(await boxOf(c, talk)).toBe('');
  });

  it('is in the store alone once that has it', async () => {
    const a = await first();
    const talk = await asked(a, 'one');
    a.chat.draft = 'half a thought';
    await a.clock.advance(KEEP_MS);
    await a.settle();
    expect(a.tab.shared.keys('draft/')).toEqual([]);
    expect(await a.store.get(`draft/${talk}`)).toMatchObject({ text: 'half a thought' });
  });

  it('of a killed tab is kept by the one that shows it', async () => {
    const a = await first();
    const talk = await asked(a, 'one');
    a.chat.draft = 'half a thought';
    const b = await afterKill(a);
    await boxOf(b, talk);
    await b.clock.advance(KEEP_MS);
    await b.settle();
    expect(b.tab.shared.keys('draft/')).toEqual([]);
    expect(await b.store.get(`draft/${talk}`)).toMatchObject({ text: 'half a thought' });
  });

  it('that is sent stays until its question is kept, and is gone then', async () => {
    const a = await first();
    const talk = await asked(a, 'one');
    a.chat.draft = 'two';
    a.chat.send();
    expect(a.chat.draft).toBe('');
    expect(a.tab.shared.keys('draft/')).toHaveLength(1);
    await a.settle();
    expect(a.tab.shared.keys('draft/')).toEqual([]);
    const b = await afterKill(a);
    expect(await boxOf(b, talk)).toBe('');
    expect(b.chat.open.turns).toHaveLength(4);
  });

  it('that another tab just shows does not come back when it is sent', async () => {
    const a = await first();
    const talk = await asked(a, 'one');
    a.chat.draft = 'two';
    const b = await beside(a);
    expect(await boxOf(b, talk)).toBe('two');
    a.chat.send();
    await a.settle();
    await b.settle();
    expect(b.chat.draft).toBe('');
    await b.clock.advance(KEEP_MS);
    await b.settle();
    expect(await a.store.get(`draft/${talk}`)).toBeUndefined();
  });

  it('of a conversation that is deleted comes back with it', async () => {
    const a = await first();
    const talk = await asked(a, 'one');
    a.chat.draft = 'half a thought';
    await a.chat.remove(talk);
    await a.settle();
    expect(a.tab.shared.keys('draft/')).toEqual([]);
    expect(await a.store.get(`draft/${talk}`)).toBeUndefined();
    await a.conversations.undo();
    await a.settle();
    expect(await boxOf(a, talk)).toBe('half a thought');
  });

  it('is forgotten with everything', async () => {
    const a = await first();
    await asked(a, 'one');
    a.chat.draft = 'half a thought';
    await a.chat.clear();
    await a.clock.advance(KEEP_MS);
    await a.settle();
    const b = await afterKill(a);
    expect([b.chat.draft, b.tab.shared.keys('draft/'), await b.store.list('draft/')]).toEqual(['', [], []]);
  });

  it('of three tabs at once is that of the last who wrote', async () => {
    const a = await first();
    const talk = await asked(a, 'one');
    const [b, c] = [await beside(a), await beside(a)];
    for (const tab of [b, c]) await boxOf(tab, talk);
    for (const [i, tab] of [c, a, b].entries()) {
      tab.today += i;
      tab.chat.draft = `of ${i}`;
    }
    for (const tab of [b, c, a]) {
      await tab.clock.advance(KEEP_MS);
      await tab.settle();
    }
    expect(await a.store.get(`draft/${talk}`)).toMatchObject({ text: 'of 2' });
    for (const tab of [a, b, c]) tab.tab.kill();
    expect(await boxOf(await beside(a), talk)).toBe('of 2');
  });

  it('that is too long for the small storage, or that it refuses, goes into the store at once', async () => {
    const long = 'word '.repeat(210_000);
    const a = await first();
    const talk = await asked(a, 'one');
    a.chat.draft = long;
    await a.clock.advance(0);
    expect(a.tab.shared.keys('draft/')).toEqual([]);
    expect(await boxOf(await afterKill(a), talk)).toBe(long);

    const tab = new PretendBrowser().openTab();
    const refusing = { ...tab, shared: { ...tab.shared, write: () => false } };
    const b = await opened(new LastingStore(), refusing);
    const other = await asked(b, 'one');
    b.chat.draft = 'half a thought';
    await b.clock.advance(0);
    expect(await boxOf(await afterKill(b), other)).toBe('half a thought');
  });

  it('is not what somebody else has put in its place', async () => {
    const a = await first();
    const talk = await asked(a, 'one');
    a.chat.draft = 'half a thought';
    await a.clock.advance(KEEP_MS);
    for (const value of ['x', { text: 7, at: 1 }, { text: 'a'.repeat(1_000_000), at: 9e15 }, { text: 'a' }]) {
      a.tab.shared.write(`draft/${talk}`, value);
      const b = await beside(a);
      expect(await boxOf(b, talk)).toBe('half a thought');
      b.tab.kill();
    }
    a.tab.shared.write(`draft/${talk}`, { text: 'from the future', at: Number.MAX_VALUE });
    const b = await afterKill(a);
    expect(await boxOf(b, talk)).toBe('from the future');
    b.chat.draft = 'mine';
    await b.clock.advance(KEEP_MS);
    await b.settle();
    expect(await boxOf(await afterKill(b), talk)).toBe('mine');
    expect(b.tab.shared.keys('draft/')).toEqual([]);
  });
});
