/** Titles that a model gives, over a fake mesh. */
import { expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import type { Ask } from '../../ask.ts';
import { entitle, titleIn } from './titling.ts';

async function titled(mesh: FakeMesh, says: string, costs = false): Promise<{ title: string; asked: string[] }> {
  mesh.settings.titles = true;
  await mesh.conversations.restore();
  await mesh.open({});
  mesh.chat.ask('How deep do otters dive, and for how long?');
  await mesh.settle();
  await mesh.piece('Some metres.');
  await mesh.done();
  await mesh.settle();
  const asked: string[] = [];
  const ask: Ask = async function* ({ turns }) {
    asked.push(turns[0]!.content);
    yield { type: 'piece', text: says, tokens: 3, tokenIds: null };
  };
  const { conversations, settings, trusted, ended } = mesh;
  const [talk, answer] = ended.at(-1)!;
  const needs = { conversations, ask, askHere: ask, settings, trusted, costs: () => costs };
  await entitle(talk, answer, needs, new AbortController().signal);
  await mesh.settle();
  return { title: conversations.talk(talk)!.title, asked };
}

it('the model that answered first gives the conversation its title', async () => {
  const { title, asked } = await titled(new FakeMesh(), '**"Diving otters."**\nAs you asked.');
  expect(title).toBe('Diving otters');
  expect(asked[0]).toMatch(/How deep do otters dive[^]*Some metres\./);
});

it('asks nobody where it would cost credits', async () => {
  expect(await titled(new FakeMesh(), 'Otters', true)).toEqual({
    title: 'How deep do otters dive, and for how long?',
    asked: [],
  });
});

it('does not touch a name that its person has given meanwhile', async () => {
  const mesh = new FakeMesh();
  await titled(mesh, '');
  const { id } = mesh.chat.open;
  await mesh.conversations.rename(id, 'Mine');
  await mesh.conversations.records.entitle(id, 'Theirs');
  expect(mesh.conversations.talk(id)!.title).toBe('Mine');
});

it('takes what is a title of what a model writes', () => {
  expect(['# Otters', 'Title: Otters\u202e', '“Otters”', '  ', 'long '.repeat(30)].map(titleIn)).toEqual([
    'Otters',
    'Otters',
    'Otters',
    '',
    'long '.repeat(12).trim(),
  ]);
});
