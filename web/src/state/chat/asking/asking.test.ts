/** What a model is told first and how it answers, by conversation and by preset, in several tabs. */
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { PretendBrowser } from '../../../testing/pretend-browser.ts';
import { MemoryStore } from '../../store.ts';
import { asBackup, readBackup } from '../carry/backup.ts';
import { TalkCarrier } from '../carry/talk-carrier.ts';
import { turnTokens } from '../context/window.ts';
import { isCutAtLimit, type Answer } from '../turn.ts';
import { AS_USUAL, memoryBeside, MOST_SYSTEM, unusual, type Asking } from './asking.ts';
import { NamedRecords } from '../../kept/named-records.svelte.ts';
import { PRESETS } from './presets.ts';

const SHORT: Asking = { system: ' Be brief. ', maxTokens: 128, temperature: 0.2, topP: null, stop: ['\n\n', 'END'] };
const unexpected = (error: unknown) => {
  throw error;
};

async function tabs(count: number): Promise<FakeMesh[]> {
  const [store, browser] = [new MemoryStore(), new PretendBrowser()];
  const all = Array.from({ length: count }, () => new FakeMesh(new MemoryStore(store), undefined, browser.openTab()));
  for (const tab of all) {
    await tab.conversations.restore();
    await tab.open({});
  }
  return all;
}

async function settle(...all: FakeMesh[]): Promise<void> {
  for (let i = 0; i < 3; i++) for (const tab of all) await tab.settle();
}

describe('the instructions of a conversation', () => {
  it('go first with each question, and are those of this conversation alone', async () => {
    const [a] = (await tabs(1)) as [FakeMesh];
    a.chat.open.asking = SHORT;
    a.chat.ask('one');
    await a.settle();
    const { turns, maxTokens, sampling, stop } = a.asked[0]!.request;
    expect(turns.map(({ role, content }) => `${role}: ${content}`)).toEqual(['system: Be brief.', 'user: one']);
    expect([maxTokens, sampling.temperature, sampling.topP]).toEqual([128, 0.2, undefined]);
    expect(stop).toEqual(['\n\n', 'END']);
    await a.piece('1');
    await a.done(128, 'length');
    expect(isCutAtLimit(a.chat.open.turns.at(-1) as Answer)).toBe(true);
    a.chat.startNew();
    a.chat.ask('two');
    await a.settle();
    expect(a.asked[1]!.request.turns).toEqual([{ role: 'user', content: 'two' }]);
    expect(a.asked[1]!.request.maxTokens).toBe(1_024);
  });

  it('are the same in all tabs, after a reload, and as a file', async () => {
    const [a, b, c] = (await tabs(3)) as [FakeMesh, FakeMesh, FakeMesh];
    a.chat.ask('one');
    await settle(a, b, c);
    await a.piece('1');
    await a.done();
    await settle(a, b, c);
    const { id } = a.chat.open;
    for (const tab of [b, c]) await tab.chat.show(id);
    b.chat.open.asking = SHORT;
    c.chat.open.scope = 'device';
    await settle(a, b, c);
    for (const tab of [a, b, c]) expect([tab.chat.open.asking, tab.chat.open.scope]).toEqual([SHORT, 'device']);
    const page = new FakeMesh(new MemoryStore(a.store as MemoryStore), undefined, new PretendBrowser().openTab());
    await page.conversations.restore();
    await page.chat.show(id);
    expect(page.chat.open.asking).toEqual(SHORT);
    const carried = await new TalkCarrier(a.conversations).one(id);
    expect(readBackup(JSON.parse(asBackup([carried!]))).talks[0]!.talk.asking).toEqual(SHORT);
    a.chat.open.asking = null;
    await settle(a, b, c);
    expect([b.chat.open.asking, (await a.store.get(`talk/${id}`)) as object]).toMatchObject([null, { version: 1 }]);
  });

  it('that are damaged or too long are none, and the conversation stays', async () => {
    const [a] = (await tabs(1)) as [FakeMesh];
    a.chat.ask('one');
    await a.settle();
    const key = `talk/${a.chat.open.id}`;
    const talk = (await a.store.get(key)) as object;
    for (const asking of [
      { ...SHORT, system: 'x'.repeat(MOST_SYSTEM + 1) },
      { system: 1 },
      'x',
      { ...SHORT, maxTokens: 1e9 },
      { ...SHORT, stop: [''] },
      { ...SHORT, stop: Array(17).fill('x') },
    ]) {
      await a.store.set([[key, { ...talk, version: 2, asking }]]);
      const [there] = await a.conversations.records.talks();
      expect(there).toMatchObject({ title: 'one', asking: null });
    }
  });

  it('kept before there were stop sequences have none', async () => {
    const [a] = (await tabs(1)) as [FakeMesh];
    a.chat.ask('one');
    await a.settle();
    const key = `talk/${a.chat.open.id}`;
    const { stop: _, ...earlier } = SHORT;
    await a.store.set([[key, { ...((await a.store.get(key)) as object), version: 2, asking: earlier }]]);
    const [there] = await a.conversations.records.talks();
    expect(there).toMatchObject({ asking: { ...SHORT, stop: [] } });
    expect(unusual({ ...AS_USUAL, stop: ['END'] })).not.toBeNull();
  });

  it('take their room in the memory of the model', () => {
    const memory = { contextTokens: 1_000, scale: 2 };
    expect(memoryBeside(memory, SHORT).contextTokens).toBe(1_000 - turnTokens('Be brief.', memory));
    expect(memoryBeside(memory, { ...AS_USUAL, system: 'word '.repeat(3_000) }).contextTokens).toBe(0);
    expect([memoryBeside(memory, null), unusual({ ...AS_USUAL, system: ' \n' })]).toEqual([memory, null]);
  });
});

describe('presets', () => {
  it('are kept by name, in all tabs', async () => {
    const store = new MemoryStore();
    const [a, b] = [
      new NamedRecords(PRESETS, store, unexpected),
      new NamedRecords(PRESETS, new MemoryStore(store), unexpected),
    ];
    await Promise.all([a.keep('Short\u202e', { asking: SHORT }), b.keep('Other', { asking: AS_USUAL })]);
    await a.keep('Short', { asking: { ...SHORT, maxTokens: 256 } });
    const later = new NamedRecords(PRESETS, new MemoryStore(store), unexpected);
    await later.restore();
    for (const one of [a, b, later]) {
      expect(one.all.map(({ name, asking }) => [name, asking.maxTokens])).toEqual([
        ['Other', null],
        ['Short', 256],
      ]);
    }
    await b.remove(b.all[0]!.id);
    await Promise.resolve();
    expect(a.all.map(({ name }) => name)).toEqual(['Short']);
  });

  it('are bounded, and what is damaged is left out', async () => {
    const store = new MemoryStore();
    const many = Array.from(
      { length: PRESETS.most },
      (_, i) => [`preset/${i}`, { version: 1, name: `p${i}`, asking: SHORT }] as const,
    );
    await store.set([...many, ['preset/x', { version: 9 }], ['preset/y', null]]);
    const presets = new NamedRecords(PRESETS, store, unexpected);
    await presets.restore();
    expect(presets.all).toHaveLength(PRESETS.most);
    await presets.keep('one more', { asking: SHORT });
    expect([presets.all.length, presets.problem]).toEqual([
      PRESETS.most,
      'There are 100 presets already. Delete one first.',
    ]);
  });

  it('that the browser does not keep are told of', async () => {
    const store = new MemoryStore();
    const presets = new NamedRecords(PRESETS, store, () => {});
    store.change = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
    await presets.keep('Short', { asking: SHORT });
    expect(presets.problem).toBe('This browser did not keep that.');
  });
});
