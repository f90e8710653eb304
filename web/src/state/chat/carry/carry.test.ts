/** Conversations that leave a browser as a file and come into another, and files that other programs, or nobody, wrote. */
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { openTools } from '../../../testing/open-tools.ts';
import type { Answer } from '../turn.ts';
import { lineOf } from '../branches/branches.ts';
import { AS_USUAL } from '../asking/asking.ts';
import { idFrom, MOST_TURNS, type Incoming } from './carried-talk.ts';
import { fileName } from './file-name.ts';
import { asMarkdown } from './markdown.ts';
import { readFile } from './read-file.ts';
import { TalkCarriage } from './talk-carriage.svelte.ts';
import { TalkCarrier } from './talk-carrier.ts';

const NOW = Date.UTC(2026, 5, 1);
const PASSPHRASE = 'four words of nothing';
const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const read = (value: unknown) => readFile(bytesOf(value), NOW);

/** One with two answers, of which the second waits until somebody comes. */
async function talked(): Promise<FakeMesh> {
  const mesh = new FakeMesh();
  await mesh.conversations.restore();
  await mesh.open({});
  mesh.chat.ask('What is *it*?');
  await mesh.settle();
  await mesh.piece('It is **so**.');
  await mesh.done();
  await mesh.offer();
  mesh.chat.ask('And then?');
  await mesh.settle();
  return mesh;
}

function carriageOf(mesh: FakeMesh) {
  const saved: { name: string; bytes: Uint8Array }[] = [];
  const tools = openTools(mesh);
  const carriage = new TalkCarriage(
    mesh.conversations,
    async () => tools,
    (name, bytes) => saved.push({ name, bytes }),
    () => NOW,
  );
  return { carriage, saved, tools };
}

const blob = (bytes: Uint8Array) => new Blob([Uint8Array.from(bytes)]);

async function shown(mesh: FakeMesh): Promise<string[]> {
  await mesh.chat.show(mesh.conversations.list[0]!.id);
  return mesh.chat.open.turns.map((turn) => (turn.role === 'user' ? turn.text : `${turn.state}: ${turn.text}`));
}

describe('a file of conversations', () => {
  it('brings all of them into another browser, once, with their names, and asks nothing there by itself', async () => {
    const here = await talked();
    const { id } = here.chat.open;
    await here.conversations.rename(id, '  Of it  ');
    await here.conversations.pin(id, true);
    const { carriage, saved } = carriageOf(here);
    expect(await carriage.save(null)).toBe(true);
    expect(saved[0]!.name).toBe('llmesh-conversations-2026-06-01.json');

    const there = new FakeMesh();
    await there.conversations.restore();
    await there.open({});
    const other = carriageOf(there).carriage;
    await other.open(blob(saved[0]!.bytes));
    expect(other.result).toBe('1 conversation came in.');
    await there.settle();
    expect(there.conversations.list).toMatchObject([{ id, title: 'Of it', pinned: true, waiting: false }]);
    expect(await shown(there)).toEqual(['What is *it*?', 'done: It is **so**.', 'And then?', 'stopped: ']);
    expect(there.asked).toEqual([]);
    await other.open(blob(saved[0]!.bytes));
    expect(other.result).toBe('0 conversations came in. One was here already.');
  });

  it('brings folders, saved prompts and presets, and changes none that are there', async () => {
    const here = await talked();
    const { carriage, saved, tools } = carriageOf(here);
    const { id } = here.chat.open;
    await tools.folders.move(id, await tools.folders.make('Work'));
    await tools.prompts.keep('sum', { text: 'Sum it up.' });
    await tools.prompts.keep('own', { text: 'Theirs.' });
    await tools.presets.keep('Short', { asking: { ...AS_USUAL, maxTokens: 128 } });
    expect(await carriage.save(null)).toBe(true);

    const there = new FakeMesh();
    await there.conversations.restore();
    const other = carriageOf(there);
    await other.tools.prompts.keep('own', { text: 'Mine.' });
    await other.carriage.open(blob(saved[0]!.bytes));
    expect(other.carriage.result).toBe('1 conversation came in. 2 saved prompts and presets came, too.');
    expect(other.tools.folders.of(id)?.name).toBe('Work');
    expect(other.tools.prompts.all.map(({ name, text }) => [name, text])).toEqual([
      ['own', 'Mine.'],
      ['sum', 'Sum it up.'],
    ]);
    expect(other.tools.presets.all).toMatchObject([{ name: 'Short', asking: { maxTokens: 128 } }]);
    const damaged = { ...JSON.parse(new TextDecoder().decode(saved[0]!.bytes)), folders: 7, prompts: [{ name: '' }] };
    expect(read(damaged).named).toMatchObject({ folders: [], prompts: [], presets: [{ name: 'Short' }] });
  });

  it('is opened by its passphrase only', async () => {
    const { carriage, saved } = carriageOf(await talked());
    expect(await carriage.save('short')).toBe(false);
    expect(carriage.problem).toMatch(/^Choose a passphrase of 12/);
    expect(await carriage.save(PASSPHRASE)).toBe(true);
    const { name, bytes } = saved[0]!;
    expect(name).toMatch(/\.llmesh$/);
    expect(new TextDecoder().decode(bytes)).not.toContain('What is');

    const there = new FakeMesh();
    await there.conversations.restore();
    const other = carriageOf(there).carriage;
    await other.open(blob(bytes));
    expect(other.isLocked).toBe(true);
    await other.unlock('four words of anything');
    expect(other.problem).toBe('That passphrase does not open this file. Try again.');
    await other.unlock(PASSPHRASE);
    expect([other.isLocked, other.result]).toEqual([false, '1 conversation came in.']);
  });

  it('loses what is damaged in it, and nothing else', async () => {
    const { carriage, saved } = carriageOf(await talked());
    await carriage.save(null);
    const file = JSON.parse(new TextDecoder().decode(saved[0]!.bytes));
    const [talk] = file.conversations;
    const damaged = { ...talk, id: idFrom('other'), turns: [...talk.turns, { role: 'root' }, null] };
    const { talks, leftOut } = read({ ...file, conversations: [talk, damaged, { ...talk, id: '../../x' }, 7] });
    expect([talks.map(({ turns }) => turns.length), leftOut]).toEqual([[4, 4], 2]);
    expect(() => read({ ...file, version: 4 })).toThrow('newer LLMesh');
    expect(() => read({ ...file, conversations: 'none' })).toThrow('damaged');
  });

  it('is named as every system takes it', () => {
    const names = ['A/B: "what?"', '…', 'x'.repeat(300), 'Où est-ce?', '.. / ..'].map((title) => fileName(title, 'md'));
    expect(names).toEqual([
      'A-B-what.md',
      'conversation.md',
      `${'x'.repeat(60)}.md`,
      'Où-est-ce.md',
      'conversation.md',
    ]);
  });
});

it('a conversation as Markdown says who wrote what', async () => {
  const mesh = await talked();
  const carried = await new TalkCarrier(mesh.conversations).one(mesh.chat.open.id);
  const lines = asMarkdown(carried!).split('\n\n');
  expect([lines[0], ...lines.slice(2)]).toEqual([
    String.raw`# What is \*it\*?`,
    '## You',
    'What is *it*?',
    `## ${(carried!.turns[1] as Answer).model!.name}`,
    'It is **so**.',
    '## You',
    'And then?\n',
  ]);
});

const chatGpt = (mapping: Record<string, unknown>, current: string, more: object = {}) => [
  {
    title: 'Lamps',
    create_time: 1_700_000_000.5,
    update_time: 1_700_000_100,
    mapping,
    current_node: current,
    id: 'c1',
    ...more,
  },
];
const said = (role: string, parts: unknown[], parent: string | null, slug: string | null = null) => ({
  parent,
  message: { author: { role }, content: { content_type: 'text', parts }, metadata: { model_slug: slug } },
});

const lineShown = ({ talks: [one] }: Pick<Incoming, 'talks'>) =>
  lineOf(one!.turns, one!.talk.tip).map(({ text }) => text);

describe('an export of ChatGPT', () => {
  it('comes in with all its branches, of which the one that was looked at last is shown, without tools and hidden messages', () => {
    const mapping = {
      root: { parent: null, message: null },
      sys: said('system', ['Be brief.'], 'root'),
      q: said('user', ['Why ', { asset_pointer: 'picture' }, 'lamps?'], 'sys'),
      first: said('assistant', ['An earlier answer.'], 'q', 'gpt-4'),
      tool: said('tool', ['{}'], 'q'),
      last: said('assistant', ['For light.'], 'tool', 'gpt-4o'),
    };
    const { talks, leftOut } = read(chatGpt(mapping, 'last'));
    expect(leftOut).toBe(0);
    expect(talks[0]!.talk).toMatchObject({ title: 'Lamps', named: true, scope: 'device', created: 1_700_000_000_500 });
    const [question] = talks[0]!.turns;
    expect(talks[0]!.turns).toMatchObject([
      { role: 'user', text: 'Why \n\nlamps?', after: null },
      { role: 'assistant', text: 'An earlier answer.', after: question!.id, foreign: 'ChatGPT, gpt-4' },
      { role: 'assistant', text: 'For light.', after: question!.id, state: 'done', foreign: 'ChatGPT, gpt-4o' },
    ]);
    expect(lineShown(read(chatGpt(mapping, 'first')))).toEqual(['Why \n\nlamps?', 'An earlier answer.']);
    expect(lineShown(read(chatGpt(mapping, 'last')))).toEqual(['Why \n\nlamps?', 'For light.']);
    expect(read(chatGpt(mapping, 'last')).talks[0]!.talk.id).toBe(talks[0]!.talk.id);
  });

  it('that runs in circles, has no end, or is none, does no harm', () => {
    const circle = { a: said('user', ['a'], 'b'), b: said('assistant', ['b'], 'a') };
    expect(read(chatGpt(circle, 'b')).talks[0]!.turns).toHaveLength(2);
    const long = Object.fromEntries(
      Array.from({ length: MOST_TURNS + 50 }, (_, i) => [
        `n${i}`,
        said('user', [`${i}`], i === 0 ? null : `n${i - 1}`),
      ]),
    );
    expect(read(chatGpt(long, `n${MOST_TURNS + 49}`)).talks[0]!.turns).toHaveLength(MOST_TURNS);
    const wide = Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`n${i}`, said('user', [`${i}`], null)]));
    expect(read(chatGpt(wide, 'n59999')).talks[0]!.turns).toHaveLength(MOST_TURNS);
    expect(read(chatGpt({ a: said('user', ['a'], '__proto__') }, 'a')).talks[0]!.turns).toHaveLength(1);
    expect(read([...chatGpt(circle, 'b'), { mapping: 3 }, null])).toMatchObject({ leftOut: 2 });
    expect(read(chatGpt({}, 'gone')).talks).toEqual([]);
    const hidden = chatGpt(circle, 'b', { title: 'a\u202eb\n\u0000' });
    expect(read(hidden).talks[0]!.talk.title).toBe('a b');
  });
});

it('an export of Open WebUI comes in, with answers that are lists of parts', () => {
  const messages = {
    q: { role: 'user', content: 'Why?', parentId: null },
    a: {
      role: 'assistant',
      content: [{ type: 'text', text: 'So.' }, { type: 'image' }],
      parentId: 'q',
      model: 'llama3:8b',
    },
    other: { role: 'assistant', content: 'Not looked at.', parentId: 'q' },
  };
  const chat = { title: 'Whys', history: { currentId: 'a', messages } };
  const { talks, leftOut } = read([{ id: 'w1', title: 'Whys', updated_at: 1_700_000_100, chat }, { chat: {} }]);
  expect([leftOut, talks[0]!.talk.updatedAt]).toEqual([1, 1_700_000_100_000]);
  expect(talks[0]!.turns[1]).toMatchObject({ text: 'So.', foreign: 'Open WebUI, llama3:8b' });
  expect(lineShown({ talks })).toEqual(['Why?', 'So.']);
  expect(talks[0]!.turns).toHaveLength(3);
});

it.each(['', 'null', '[]', '{"a":1}', 'PK\u0003\u0004zip', '[[[[', '{"format":"other"}'])(
  'a file that is something else says what it could be: %j',
  (text) => {
    expect(() => read(text)).toThrow(/^No conversations were found in this file\. It can be/);
  },
);

it('what finds no room stays out, and that is said', async () => {
  const mesh = new FakeMesh();
  await mesh.conversations.restore();
  const { carriage } = carriageOf(mesh);
  mesh.store.change = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));
  await carriage.open(blob(bytesOf(chatGpt({ a: said('user', ['a'], null) }, 'a'))));
  expect(carriage.problem).toBe(
    'This browser keeps no more. Nothing came in. Delete some conversations, and try again.',
  );
});
