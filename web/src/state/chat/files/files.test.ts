/** Files that go with questions: read, refused, kept in all tabs, sent, taken back, and carried. */
import { describe, expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { madeUpPdfText, openTools } from '../../../testing/open-tools.ts';
import { PretendBrowser } from '../../../testing/pretend-browser.ts';
import { MemoryStore } from '../../store.ts';
import { TurnEditing } from '../branches/turn-editing.svelte.ts';
import { asBackup, readBackup } from '../carry/backup.ts';
import { asMarkdown } from '../carry/markdown.ts';
import { TalkCarrier } from '../carry/talk-carrier.ts';
import type { AttachedFiles } from './attached-files.svelte.ts';
import { fileLabel, FileRefused, textOfFile } from './file-text.ts';
import { fencedFile, MOST_FILES, MOST_FILES_BYTES } from './question-file.ts';

const TABLE = new File(['animal,kg\r\notter,25\r\n'], 'animals.csv');
const DAY_MS = 86_400_000;
const never = new AbortController().signal;
const read = (...parts: ConstructorParameters<typeof File>) =>
  textOfFile(new File(...parts), { pdfText: madeUpPdfText }, never);

async function tabs(count: number): Promise<(FakeMesh & { files: AttachedFiles })[]> {
  const [store, browser] = [new MemoryStore(), new PretendBrowser()];
  const all = Array.from({ length: count }, () => {
    const tab = new FakeMesh(new MemoryStore(store), undefined, browser.openTab());
    return Object.assign(tab, { files: openTools(tab).files });
  });
  for (const tab of all) {
    await tab.conversations.restore();
    await tab.open({});
  }
  return all;
}

async function settle(...all: FakeMesh[]): Promise<void> {
  for (let i = 0; i < 3; i++) for (const tab of all) await tab.settle();
}

const namesIn = (tab: FakeMesh, talk = tab.chat.open.id) => tab.files!.of(talk).map(({ name }) => name);
const sent = (tab: FakeMesh) => tab.asked.at(-1)!.request.turns.map(({ content }) => content);

describe('a file', () => {
  it('is read as the text that it holds, in whichever of the usual encodings', async () => {
    expect(await read(['naïve'], 'a.txt')).toBe('naïve');
    expect(await read([new Uint8Array([0xef, 0xbb, 0xbf, 0x61])], 'a.txt')).toBe('a');
    expect(await read([new Uint8Array([0xff, 0xfe, 0x61, 0, 0xe9, 0])], 'a.txt')).toBe('aé');
    expect(await read([new Uint8Array([0x6e, 0x61, 0xef])], 'a.csv')).toBe('naï');
    expect(await read(['%PDF-1.7 …'], 'a.pdf')).toBe('Text of the PDF.');
  });

  it('is refused where it is too large, empty or no text, before it is read whole', async () => {
    const large = new File(['x'], 'big.log');
    Object.defineProperty(large, 'size', { value: 3 * MOST_FILES_BYTES });
    await expect(textOfFile(large, { pdfText: madeUpPdfText }, never)).rejects.toThrow(/big\.log is too large/);
    await expect(read([new Uint8Array([137, 80, 78, 71, 0, 0])], 'photo.png')).rejects.toThrow(/is no text file/);
    await expect(read(['  \n'], 'empty.txt')).rejects.toThrow(FileRefused);
  });

  it('has a name that can be shown, with its ending', () => {
    expect(fileLabel('a\u202efdp.exe')).toBe('a fdp.exe');
    expect(fileLabel(`${'long'.repeat(100)}.csv`)).toMatch(/^long.*…\.csv$/);
    expect(fileLabel(`${'long'.repeat(100)}.csv`).length).toBeLessThanOrEqual(120);
    expect(fileLabel('\u200b')).toBe('file');
  });

  it('stands between fences that nothing in it closes', () => {
    expect(fencedFile({ name: 'a.md', text: 'x\n````\ny' })).toBe('File a.md:\n`````md\nx\n````\ny\n`````');
    expect(fencedFile({ name: 'Makefile', text: 'all:\n' })).toBe('File Makefile:\n```\nall:\n```');
  });
});

describe('attached files', () => {
  it('are in all tabs, go out before the words of the question, and are gone from the box with it', async () => {
    const [a, b] = (await tabs(2)) as [FakeMesh & { files: AttachedFiles }, FakeMesh & { files: AttachedFiles }];
    await a.files.add(a.chat.open.id, [TABLE]);
    const talk = a.chat.open.id;
    await settle(a, b);
    expect([namesIn(a), namesIn(b, talk)]).toEqual([['animals.csv'], ['animals.csv']]);
    a.chat.draft = 'How heavy?';
    a.chat.send();
    await settle(a, b);
    expect(sent(a)).toEqual(['File animals.csv:\n```csv\nanimal,kg\notter,25\n```\n\nHow heavy?']);
    expect([namesIn(a), namesIn(b, talk)]).toEqual([[], []]);
    expect((await a.store.list('attached/')).length).toBe(0);
    await a.piece('25 kg.');
    await a.done();
    await b.chat.show(talk);
    b.chat.ask('And a badger?');
    await settle(a, b);
    expect(sent(b)[0]).toContain('otter,25');
  });

  it('stay with their question when it is edited, taken back, and carried to another browser', async () => {
    const [a] = (await tabs(1)) as [FakeMesh & { files: AttachedFiles }];
    await a.files.add(a.chat.open.id, [TABLE]);
    a.chat.ask('How heavy?');
    await a.settle();
    await a.piece('25 kg.');
    await a.done();
    await a.settle();
    const { open } = a.chat;
    open.edit((of) => new TurnEditing(of)).resend(open.turns[0]!.id, 'How light?');
    await a.settle();
    expect(sent(a)[0]).toMatch(/otter,25[^]*How light\?/);
    await a.piece('25.');
    await a.done();
    const carried = (await new TalkCarrier(a.conversations).one(open.id))!;
    expect(asMarkdown(carried)).toContain('otter,25');
    const { talks } = readBackup(JSON.parse(asBackup([carried])));
    const [other] = (await tabs(1)) as [FakeMesh];
    await new TalkCarrier(other.conversations).bringIn({ talks, leftOut: 0 }, { signal: never, onProgress: () => {} });
    await other.chat.show(open.id);
    expect(other.chat.open.turns[0]).toMatchObject({ files: [{ name: 'animals.csv', text: 'animal,kg\notter,25\n' }] });
  });

  it('come back into the box with a question that is taken back', async () => {
    const [a] = (await tabs(1)) as [FakeMesh & { files: AttachedFiles }];
    await a.files.add(a.chat.open.id, [TABLE]);
    a.chat.ask('How heavy?');
    await a.settle();
    await a.fail('provider_lost');
    await a.settle();
    a.chat.edit(a.chat.open.turns.at(-1)!.id);
    expect([a.chat.draft, namesIn(a)]).toEqual(['How heavy?', ['animals.csv']]);
  });

  it('are bounded together, in number and in size, with a sentence', async () => {
    const [a] = (await tabs(1)) as [FakeMesh & { files: AttachedFiles }];
    const talk = a.chat.open.id;
    const half = new File(['x'.repeat(MOST_FILES_BYTES / 2)], 'half.txt');
    await a.files.add(talk, [half, half, TABLE]);
    expect(namesIn(a)).toEqual(['half.txt', 'half.txt']);
    expect(a.files.problemOf(talk)).toMatch(/^animals\.csv is too large: the files of one question/);
    for (const { id } of a.files.of(talk)) a.files.remove(talk, id);
    await a.files.add(
      talk,
      Array.from({ length: MOST_FILES + 1 }, () => TABLE),
    );
    expect(namesIn(a)).toHaveLength(MOST_FILES);
    expect(a.files.problemOf(talk)).toBe('Up to 10 files go with one question.');
  });

  it('go with their conversation, come back with Undo, and are forgotten where none began', async () => {
    const [a] = (await tabs(1)) as [FakeMesh & { files: AttachedFiles }];
    a.chat.ask('one');
    await a.settle();
    await a.piece('1');
    await a.done();
    const { id } = a.chat.open;
    await a.files.add(id, [TABLE]);
    await a.settle();
    await a.chat.remove(id);
    expect(await a.store.list('attached/')).toEqual([]);
    await a.conversations.undo();
    expect(await a.store.list('attached/')).toHaveLength(1);
    await a.files.add('never-begun', [TABLE]);
    a.today += 2 * DAY_MS;
    const later = openTools(a).files;
    await later.restore();
    expect([later.of(id).length, later.of('never-begun').length]).toEqual([1, 0]);
  });
});
