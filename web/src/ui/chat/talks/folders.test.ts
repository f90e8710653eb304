/** Folders of conversations, in two tabs of a browser. */
import { expect, it } from 'vitest';
import { MemoryStore } from '../../../state/store.ts';
import { talkGroups } from './talk-groups.ts';
import type { Summary } from '../../../state/chat/kept-conversation.ts';
import { Folders } from '../../../state/chat/folders/folders.svelte.ts';

const TALKS: Summary[] = ['one', 'two', 'three'].map((id, i) => ({
  ...{ id, title: id, pinned: id === 'three', scope: 'anyone', waiting: false },
  updatedAt: Date.UTC(2026, 5, 1, 12) - i,
}));
const NOON = Date.UTC(2026, 5, 1, 12);

function tabs(count: number, isKept: (talk: string) => boolean = () => true): Folders[] {
  const store = new MemoryStore();
  const failed = (error: unknown) => {
    throw error;
  };
  return Array.from({ length: count }, () => new Folders({ store: new MemoryStore(store), isKept, failed }));
}

const told = () => new Promise((resolve) => setTimeout(resolve));
const shown = (folders: Folders) =>
  talkGroups(TALKS, NOON, 60, folders).map(({ name, talks }) => `${name}: ${talks.map(({ id }) => id).join(' ')}`);

it('are made, filled, renamed and deleted in all tabs, and their conversations stay', async () => {
  const [a, b] = tabs(2) as [Folders, Folders];
  const work = (await a.make('Work'))!;
  expect(await a.make(' Work')).toBe(work);
  await a.move('two', work);
  await told();
  expect(shown(b)).toEqual(['Pinned: three', 'Work: two', 'Today: one']);
  await b.rename(work, 'Work 2');
  await b.fold(work, true);
  await told();
  expect([a.all, a.of('two')?.name]).toMatchObject([[{ name: 'Work 2', folded: true }], 'Work 2']);
  await a.remove(work);
  await told();
  for (const tab of [a, b]) expect(shown(tab)).toEqual(['Pinned: three', 'Today: one two']);
});

it('of the same name become one', async () => {
  const [a] = tabs(1) as [Folders];
  const [home, work] = [(await a.make('Home'))!, (await a.make('Work'))!];
  await a.move('one', home);
  await a.move('two', work);
  await a.rename(home, 'Work');
  expect(shown(a)).toEqual(['Pinned: three', 'Work: one two']);
});

it('forget conversations that are gone', async () => {
  const [a, b] = tabs(2, (talk) => talk !== 'two') as [Folders, Folders];
  const work = (await a.make('Work'))!;
  for (const talk of ['one', 'two']) await a.move(talk, work);
  await b.restore();
  expect([b.of('one')?.name, b.of('two')]).toEqual(['Work', null]);
});
