/** Conversations with branches: in one tab, in three, deleted from and undone, as files, and as earlier pages kept them. */
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { PretendBrowser } from '../../../testing/pretend-browser.ts';
import { MemoryStore } from '../../store.ts';
import { Branches, lineOf } from './branches.ts';
import { TalkCarrier } from '../carry/talk-carrier.ts';
import { asBackup, readBackup } from '../carry/backup.ts';
import { TurnEditing } from './turn-editing.svelte.ts';
import type { Answer, ShownTurn } from '../turn.ts';

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

async function answered(tab: FakeMesh, text: string, ...others: FakeMesh[]): Promise<void> {
  await settle(tab, ...others);
  await tab.piece(text);
  await tab.done();
  await settle(tab, ...others);
}

/** Two questions with their answers, open in all of them. */
async function talked(...all: FakeMesh[]): Promise<void> {
  const [a] = all as [FakeMesh];
  for (const [question, answer] of [
    ['one', '1'],
    ['two', '2'],
  ] as const) {
    a.chat.ask(question);
    await answered(a, answer, ...all);
  }
  for (const tab of all) await tab.chat.show(a.chat.open.id);
}

const edits = ({ chat }: FakeMesh) => chat.open.edit((of) => new TurnEditing(of));
const lines = ({ chat }: FakeMesh) => chat.open.turns.map(({ text }) => text).join(' ');
const idOf = ({ chat }: FakeMesh, text: string) => chat.open.turns.find((turn) => turn.text === text)!.id;
const sent = (tab: FakeMesh) =>
  tab.asked
    .at(-1)!
    .request.turns.map(({ content }) => content)
    .join(' ');

/** What the next page of this browser reads. */
async function reopened(tab: FakeMesh): Promise<FakeMesh> {
  const page = new FakeMesh(new MemoryStore(tab.store as MemoryStore), undefined, new PretendBrowser().openTab());
  await page.conversations.restore();
  await page.open({});
  await page.chat.show(tab.chat.open.id);
  return page;
}

describe('a question in other words', () => {
  it('is asked with what came before it, and the one before stays beside it, in all tabs and after a reload', async () => {
    const [a, b, c] = (await tabs(3)) as [FakeMesh, FakeMesh, FakeMesh];
    await talked(a, b, c);
    edits(a).resend(idOf(a, 'two'), 'three');
    await answered(a, '3', b, c);
    expect(sent(a)).toBe('one 1 three');
    for (const tab of [a, b, c, await reopened(a)]) {
      expect(lines(tab)).toBe('one 1 three 3');
      expect(tab.chat.open.versionsOf(idOf(tab, 'three'))).toHaveLength(2);
      expect(tab.chat.open.versionsOf(idOf(tab, 'one'))).toHaveLength(1);
    }
    b.chat.open.showVersion(b.chat.open.versionsOf(idOf(b, 'three'))[0]!);
    await settle(a, b, c);
    for (const tab of [a, b, c, await reopened(a)]) expect(lines(tab)).toBe('one 1 two 2');
  });

  it('goes on in the branch that is shown, whichever was asked last', async () => {
    const [a] = (await tabs(1)) as [FakeMesh];
    await talked(a);
    edits(a).resend(idOf(a, 'two'), 'three');
    await answered(a, '3');
    a.chat.open.showVersion(a.chat.open.versionsOf(idOf(a, 'three'))[0]!);
    a.chat.ask('four');
    await answered(a, '4');
    expect(sent(a)).toBe('one 1 two 2 four');
    expect([lines(a), lines(await reopened(a))]).toEqual(['one 1 two 2 four 4', 'one 1 two 2 four 4']);
    expect(a.conversations.list[0]!.title).toBe('one');
  });

  it('can be the first', async () => {
    const [a] = (await tabs(1)) as [FakeMesh];
    await talked(a);
    edits(a).resend(idOf(a, 'one'), 'zero');
    await answered(a, '0');
    expect([sent(a), lines(a), lines(await reopened(a))]).toEqual(['zero', 'zero 0', 'zero 0']);
  });
});

it('an answer asked for once more stands beside the first, from another model, too', async () => {
  const [a] = (await tabs(1)) as [FakeMesh];
  await talked(a);
  const first = a.chat.open.turns.at(-1) as Answer;
  const other = { ...first.model!, name: 'Other' };
  edits(a).regenerate(first.id, other);
  await settle(a);
  expect([sent(a), lines(a)]).toEqual(['one 1 two', 'one 1 two ']);
  await answered(a, '2b');
  expect(a.chat.open.turns.at(-1)).toMatchObject({ text: '2b', model: { name: 'Other' } });
  expect(a.chat.open.versionsOf(first.id)).toHaveLength(2);
});

it('an answer in the words of the person is what the model is told from then on', async () => {
  const [a] = (await tabs(1)) as [FakeMesh];
  await talked(a);
  edits(a).correct(idOf(a, '1'), 'eins');
  await settle(a);
  expect(lines(a)).toBe('one eins');
  a.chat.ask('and?');
  await answered(a, 'so');
  expect(sent(a)).toBe('one eins and?');
  expect((await reopened(a)).chat.open.turns[1]).toMatchObject({ edited: true, receipt: null, provider: null });
});

describe('a turn that is taken out', () => {
  it.each(['one', '1', 'two', '2'])('of one line, %s, comes back to its place', async (text) => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    await talked(a, b);
    const editing = edits(a);
    await editing.takeOut(idOf(a, text));
    await settle(a, b);
    const left = { one: 'two 2', '1': 'one two 2', two: 'one 1', '2': 'one 1 two' }[text];
    expect([lines(a), lines(b), lines(await reopened(a))]).toEqual([left, left, left]);
    await editing.undo();
    await settle(a, b);
    const all = 'one 1 two 2';
    expect([lines(a), lines(b), lines(await reopened(a))]).toEqual([all, all, all]);
  });

  it.each(['one', '1', 'three', '3'])('of a branch, %s, leaves what followed where it was', async (text) => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    await talked(a, b);
    const editing = edits(a);
    editing.resend(idOf(a, 'two'), 'three');
    await answered(a, '3', b);
    await editing.takeOut(idOf(a, text));
    await settle(a, b);
    const left = { one: 'three 3', '1': 'one three 3', three: 'one 1 two 2', '3': 'one 1 three' }[text];
    expect([lines(a), lines(b), lines(await reopened(a))]).toEqual([left, left, left]);
    await editing.undo();
    await settle(a, b);
    const all = 'one 1 three 3';
    expect([lines(a), lines(b), lines(await reopened(a))]).toEqual([all, all, all]);
  });

  it('takes the conversation with it when it was all there was, and brings it back', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    await talked(a, b);
    const editing = edits(a);
    await editing.takeOut(idOf(a, 'one'));
    await editing.takeOut(idOf(a, 'two'));
    await settle(a, b);
    expect([a.conversations.list, b.conversations.list]).toEqual([[], []]);
    await editing.undo();
    await settle(a, b);
    expect(b.conversations.list).toHaveLength(1);
    expect(lines(await reopened(a))).toBe('two 2');
  });

  it('does not bring back a conversation that was deleted since', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
    await talked(a, b);
    const editing = edits(a);
    await editing.takeOut(idOf(a, '2'));
    await settle(a, b);
    await b.chat.remove(b.chat.open.id);
    await editing.undo();
    await settle(a, b);
    expect(a.conversations.list).toEqual([]);
  });
});

it('a question at the same moment as a branch in another tab is lost in neither', async () => {
  const [a, b] = (await tabs(2)) as [FakeMesh, FakeMesh];
  await talked(a, b);
  const editing = edits(b);
  a.chat.ask('from a');
  editing.resend(idOf(b, 'two'), 'from b');
  await settle(a, b);
  await a.piece('A');
  await a.done();
  await b.piece('B');
  await b.done();
  await settle(a, b);
  const kept = await a.conversations.turns(a.chat.open.id);
  expect(kept.map(({ turn }) => turn.text).sort()).toEqual(['1', '2', 'A', 'B', 'from a', 'from b', 'one', 'two']);
  expect(lines(a)).toBe(lines(b));
  expect(lines(await reopened(a))).toBe(lines(a));
});

describe('a file', () => {
  it('keeps the branches, and which is shown', async () => {
    const [a] = (await tabs(1)) as [FakeMesh];
    await talked(a);
    edits(a).resend(idOf(a, 'two'), 'three');
    await answered(a, '3');
    a.chat.open.showVersion(a.chat.open.versionsOf(idOf(a, 'three'))[0]!);
    await settle(a);
    const carried = await new TalkCarrier(a.conversations).one(a.chat.open.id);
    const json = asBackup([carried!]);
    expect(JSON.parse(json).version).toBe(2);
    const [there] = (await tabs(1)) as [FakeMesh];
    await new TalkCarrier(there.conversations).bringIn(readBackup(JSON.parse(json)), {
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    await settle(there);
    await there.chat.show(a.chat.open.id);
    expect(lines(there)).toBe('one 1 two 2');
    expect(there.chat.open.versionsOf(idOf(there, 'two'))).toHaveLength(2);
  });
});

describe('the line that is shown', () => {
  const turn = (id: string, after?: string | null): ShownTurn => ({
    ...({ role: 'user', id, text: id } as const),
    ...(after !== undefined && { after }),
  });
  const line = (turns: ShownTurn[], tip: string | null) =>
    lineOf(turns, tip)
      .map(({ id }) => id)
      .join('');

  it('is all turns where none names what it follows', () => {
    expect(line([turn('a'), turn('b'), turn('c')], 'a')).toBe('abc');
  });

  it('runs in no circle, and leaves out nothing that can be reached, whatever the records say', () => {
    expect(line([turn('a', 'b'), turn('b', 'a')], null)).toBe('ab');
    expect(line([turn('a', 'a'), turn('b', 'gone'), turn('c', 'b')], 'c')).toBe('abc');
    expect(line([], 'x')).toBe('');
  });

  it('begins where earlier turns are not read yet', () => {
    const turns = [turn('x', 'gone'), turn('c', 'elsewhere'), turn('d', 'c')];
    expect(new Branches(turns, { isWhole: false }).line('d').map(({ id }) => id)).toEqual(['c', 'd']);
  });
});
