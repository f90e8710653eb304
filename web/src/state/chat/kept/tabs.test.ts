/** Several tabs of one browser, which ask, stop, delete and are closed. */
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { PretendBrowser } from '../../../testing/pretend-browser.ts';
import { MemoryStore } from '../../store.ts';
import type { Answer } from '../turn.ts';

const KEEP_MS = 1_000;

/** As many tabs, in each of which the mesh lends a model unless `alone`. */
async function tabs(count: number, alone = false): Promise<FakeMesh[]> {
  const [store, browser] = [new MemoryStore(), new PretendBrowser()];
  const all = Array.from({ length: count }, () => new FakeMesh(new MemoryStore(store), undefined, browser.openTab()));
  for (const tab of all) {
    await tab.conversations.restore();
    await tab.chat.restore();
    await tab.open(...(alone ? [] : [{}]));
  }
  return all;
}

async function settle(...all: FakeMesh[]): Promise<void> {
  for (let i = 0; i < 3; i++) for (const tab of all) await tab.settle();
}

/** What the next page of this tab has, after the old one was closed. */
async function reloaded(tab: FakeMesh, { flushed = true } = {}): Promise<FakeMesh> {
  if (flushed) tab.chat.flush();
  const page = new FakeMesh(new MemoryStore(tab.store as MemoryStore), tab.kept, tab.tab.reload());
  await page.conversations.restore();
  await page.chat.restore();
  return page;
}

const last = (tab: FakeMesh) => tab.chat.open.turns.at(-1) as Answer;
const lines = (tab: FakeMesh) =>
  tab.chat.open.turns.map((turn) => (turn.role === 'user' ? turn.text : `${turn.state}: ${turn.text}`));

/** A conversation that is open in all of them, with one answer in it. */
async function sharing(...all: FakeMesh[]): Promise<string> {
  const [a] = all as [FakeMesh];
  a.chat.ask('one');
  await settle(...all);
  await a.piece('1');
  await a.done();
  await settle(...all);
  const { id } = a.chat.open;
  for (const tab of all) await tab.chat.show(id);
  return id;
}

describe('a conversation that is open in two tabs', () => {
  it('has what was asked in both, in the order of asking', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    await sharing(a, b);
    a.chat.ask('two');
    await settle(a, b);
    await a.piece('2');
    await a.done();
    await settle(a, b);
    b.chat.ask('three');
    await settle(a, b);
    await b.piece('3');
    await b.done();
    await settle(a, b);
    const all = ['one', 'done: 1', 'two', 'done: 2', 'three', 'done: 3'];
    expect([lines(a), lines(b)]).toEqual([all, all]);
    expect(b.asked[0]!.request.turns.map(({ content }) => content)).toEqual(['one', '1', 'two', '2', 'three']);
  });

  it('keeps both questions that are asked at the same moment', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    await sharing(a, b);
    a.chat.ask('from a');
    b.chat.ask('from b');
    await settle(a, b);
    await a.piece('A');
    await a.done();
    await b.piece('B');
    await b.done();
    await settle(a, b);
    expect(lines(a)).toEqual(['one', 'done: 1', 'from a', 'done: A', 'from b', 'done: B']);
    expect(lines(b)).toEqual(lines(a));
  });

  it('shows in one what is written in the other, and stops it there', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    await sharing(a, b);
    a.chat.ask('two');
    await settle(a, b);
    await a.provide();
    await a.piece('Half');
    await a.clock.advance(250);
    await settle(a, b);
    expect(b.chat.open.running).toMatchObject({ state: 'writing', text: 'Half' });
    b.chat.draft = 'next';
    b.chat.send();
    expect(b.chat.hint).toMatch(/^Wait for this answer/);
    b.chat.open.stop();
    await settle(a, b);
    expect(a.asked.at(-1)!.signal.aborted).toBe(true);
    expect([last(a), last(b)]).toMatchObject([
      { state: 'stopped', text: 'Half' },
      { state: 'stopped', text: 'Half' },
    ]);
  });

  it('tells at once that the tab which had it written is gone, and goes on from there', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    await sharing(a, b);
    a.chat.ask('two');
    await settle(a, b);
    await a.piece('Half ');
    await a.clock.advance(KEEP_MS);
    await b.clock.advance(KEEP_MS);
    expect(last(b).state).toBe('writing');
    a.tab.kill();
    await b.clock.advance(KEEP_MS);
    await settle(b);
    expect(last(b)).toMatchObject({ state: 'interrupted', text: 'Half ', error: null });
    b.chat.open.goOn(last(b).id);
    await settle(b);
    expect(b.asked[0]!.request.prefix).toMatchObject({ text: 'Half ' });
  });
});

describe('what is deleted in another tab', () => {
  it('stays deleted while it is answered, and comes back stopped', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    const id = await sharing(a, b);
    a.chat.ask('two');
    await settle(a, b);
    await a.piece('Half');
    await a.clock.advance(KEEP_MS);
    await settle(a, b);
    await b.chat.remove(id);
    await settle(a, b);
    expect(a.asked.at(-1)!.signal.aborted).toBe(true);
    await a.clock.advance(KEEP_MS);
    await settle(a, b);
    expect([await a.store.list('t'), a.chat.open.turns, a.conversations.list]).toEqual([[], [], []]);
    await b.conversations.undo();
    await settle(a, b);
    await a.chat.show(id);
    expect(lines(a)).toEqual(['one', 'done: 1', 'two', 'stopped: Half']);
  });

  it('does not come back with the next question, which is asked in a new conversation', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    await sharing(a, b);
    const clearing = a.chat.clear();
    b.chat.ask('after all');
    await clearing;
    await settle(a, b);
    expect(lines(b)).toEqual(['after all', 'looking: ']);
    expect(b.conversations.list.map(({ title }) => title)).toEqual(['after all']);
    expect((await b.store.list('turn/')).length).toBe(2);
  });
});

describe('a question that waits', () => {
  it('is asked by one of three tabs', async () => {
    const [a, b, c] = (await tabs(3, true)) as [FakeMesh, FakeMesh, FakeMesh];
    a.chat.ask('Anybody?');
    await settle(a, b, c);
    await Promise.all([c, b, a].map((tab) => tab.offer({})));
    await settle(a, b, c);
    expect(a.asked.length + b.asked.length + c.asked.length).toBe(1);
  });

  it('is asked by another tab when its own is closed', async () => {
    const [a, b] = (await tabs(2, true)) as [FakeMesh, FakeMesh];
    a.chat.ask('Anybody?');
    await settle(a, b);
    a.tab.kill();
    await b.offer({});
    expect(b.asked.map(({ request }) => request.turns)).toEqual([[{ role: 'user', content: 'Anybody?' }]]);
  });
});

describe('an answer whose page is reloaded', () => {
  it('goes on by itself after its very last word, kept or not', async () => {
    const [a] = (await tabs(1)) as [FakeMesh];
    a.chat.ask('How?');
    await settle(a);
    await a.piece('Half ');
    await a.clock.advance(KEEP_MS);
    await a.piece('an ');
    const page = await reloaded(a);
    await page.open({});
    await settle(page);
    expect(page.asked[0]!.request.prefix).toMatchObject({ text: 'Half an ' });
  });

  it('is not begun again and again where it takes the page down', async () => {
    const [a] = (await tabs(1)) as [FakeMesh];
    a.chat.ask('How?');
    await settle(a);
    const once = await reloaded(a, { flushed: false });
    await once.open({});
    expect(once.asked).toHaveLength(1);
    const twice = await reloaded(once, { flushed: false });
    await twice.open({});
    await twice.chat.show(twice.conversations.list[0]!.id);
    await twice.clock.advance(KEEP_MS);
    await settle(twice);
    expect(twice.asked).toEqual([]);
    expect(last(twice)).toMatchObject({ state: 'interrupted', text: '' });
  });
});

it('an answer that broke off while this computer slept goes on by itself, and blames nobody', async () => {
  const [a] = (await tabs(1)) as [FakeMesh];
  a.chat.ask('How?');
  await settle(a);
  await a.provide();
  await a.piece('Half ');
  a.today += 100_000;
  await a.interrupt();
  expect(last(a)).toMatchObject({ state: 'looking', left: false });
  await a.fail('provider_lost');
  await settle(a);
  expect(a.asked[1]!.request.prefix).toMatchObject({ text: 'Half ' });
  await a.piece('an answer.');
  await a.done();
  expect(lines(a)).toEqual(['How?', 'done: Half an answer.']);
});

describe('what is being written into the box', () => {
  it('belongs to its conversation, in every tab that has not touched it', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    const id = await sharing(a, b);
    a.chat.draft = 'half a thought';
    await a.clock.advance(KEEP_MS);
    await settle(a, b);
    expect(b.chat.draft).toBe('half a thought');
    b.chat.draft = 'mine';
    a.chat.draft = 'half a thought, and more';
    await a.clock.advance(KEEP_MS);
    await settle(a, b);
    expect(b.chat.draft).toBe('mine');
    b.chat.startNew();
    expect(b.chat.draft).toBe('');
    b.chat.draft = 'for a new one';
    await b.chat.show(id);
    expect(b.chat.draft).toBe('mine');
    b.chat.startNew();
    expect(b.chat.draft).toBe('for a new one');
  });

  it('is not in the box of a new tab while its own is open, and is when that was closed', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    a.chat.draft = 'half a thought';
    await a.clock.advance(KEEP_MS);
    await b.chat.restore();
    expect(b.chat.draft).toBe('');
    a.tab.kill();
    const c = new FakeMesh(new MemoryStore(a.store as MemoryStore), undefined, a.tab.browser.openTab());
    await c.conversations.restore();
    await c.chat.restore();
    expect(c.chat.draft).toBe('half a thought');
  });
});

it('a conversation keeps the model and the scope that were chosen in it', async () => {
  const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
  const id = await sharing(a, b);
  await b.offer({}, { id: 'gemma' as never, name: 'Gemma 3 4B' });
  b.offers.choose('gemma');
  b.chat.startNew();
  expect(b.chat.open.model?.id).toBe('gemma');
  await b.chat.show(id);
  expect(b.chat.open.model?.id).toBe('qwen3-8b');
  b.chat.open.scope = 'trusted';
  b.offers.choose('gemma');
  b.chat.open.takeChoice();
  await settle(a, b);
  const page = await reloaded(b);
  await page.chat.show(id);
  expect([page.chat.open.scope, page.chat.open.model?.id]).toEqual(['trusted', 'gemma']);
});
