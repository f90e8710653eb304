import { describe, expect, it } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { MemoryStore } from '../../store.ts';
import { TurnEditing } from '../branches/turn-editing.svelte.ts';
import type { Summary } from '../kept-conversation.ts';
import { ConversationSearch } from './conversation-search.svelte.ts';

class Shelf {
  talks: { id: string; title: string; texts: string[]; updatedAt: number }[] = [];
  reads: string[] = [];
  readonly failures: unknown[] = [];
  #list: Summary[] = [];

  put(id: string, title: string, ...texts: string[]): void {
    const updatedAt = this.talks.length + this.reads.length;
    this.talks = [...this.talks.filter((talk) => talk.id !== id), { id, title, texts, updatedAt }];
    const made: Summary = { id, title, updatedAt, waiting: false, pinned: false, scope: 'anyone' };
    this.#list = [...this.#list.filter((talk) => talk.id !== id), made];
  }

  remove(id: string): void {
    this.talks = this.talks.filter((talk) => talk.id !== id);
    this.#list = this.#list.filter((talk) => talk.id !== id);
  }

  search(): ConversationSearch {
    return new ConversationSearch({
      list: () => this.#list,
      texts: async (id) => {
        this.reads.push(id);
        if (id === 'broken') throw new Error('cannot be read');
        return this.talks.find((talk) => talk.id === id)?.texts ?? [];
      },
      clock: new ManualClock(),
      failed: (error) => this.failures.push(error),
    });
  }
}

const ids = (found: Summary[]) => found.map(({ id }) => id);

describe('ConversationSearch', () => {
  it('finds every word in title and turns, whatever its case, accents or form', async () => {
    const shelf = new Shelf();
    shelf.put('1', 'Café', 'Où est la BIBLIOTHÈQUE?', 'Là-bas.');
    shelf.put('2', 'Straße', 'Ｆｕｌｌ width and ﬁne ligatures');
    shelf.put('3', 'İstanbul', '今天的天气');
    const search = shelf.search();
    await search.prepare();
    expect(search.reading).toBe(false);
    expect(ids(search.find('cafe bibliotheque'))).toEqual(['1']);
    expect(ids(search.find('ÉST'))).toEqual(['1']);
    expect(ids(search.find('full FINE'))).toEqual(['2']);
    expect(ids(search.find('istanbul'))).toEqual(['3']);
    expect(ids(search.find('天气'))).toEqual(['3']);
    expect(ids(search.find('cafe full'))).toEqual([]);
  });

  it('knows titles before it has read anything, reads once, and again what has changed', async () => {
    const shelf = new Shelf();
    shelf.put('1', 'Rivers', 'How long is the Rhine?');
    shelf.put('2', 'Lamps', 'How bright?');
    const search = shelf.search();
    expect(ids(search.find('rivers'))).toEqual(['1']);
    expect(ids(search.find('rhine'))).toEqual([]);
    await search.prepare();
    await search.prepare();
    expect(shelf.reads).toEqual(['1', '2']);
    expect(ids(search.find('rhine'))).toEqual(['1']);
    shelf.put('2', 'Lamps', 'How bright is the Rhine?');
    await search.prepare();
    expect(shelf.reads).toEqual(['1', '2', '2']);
    expect(ids(search.find('rhine')).toSorted()).toEqual(['1', '2']);
    shelf.remove('1');
    expect(ids(search.find('rhine'))).toEqual(['2']);
  });

  it('does not find what was deleted from a conversation, in whichever tab', async () => {
    const store = new MemoryStore();
    const [a, b] = [new FakeMesh(store), new FakeMesh(new MemoryStore(store))];
    for (const tab of [a, b]) await tab.conversations.restore();
    await a.open({});
    for (const question of ['copper', 'tin']) {
      a.chat.ask(question);
      await a.settle();
      await a.piece('Yes.');
      await a.done();
      await a.settle();
    }
    const search = ({ conversations, clock }: FakeMesh) =>
      new ConversationSearch({
        list: () => conversations.list,
        texts: async (id) => (await conversations.turns(id)).map(({ turn }) => turn.text),
        clock,
        failed: (error) => {
          throw error;
        },
      });
    const [here, there] = [search(a), search(b)];
    for (const one of [here, there]) {
      await one.prepare();
      expect(one.find('tin')).toHaveLength(1);
    }
    const { open } = a.chat;
    await open.edit((of) => new TurnEditing(of)).takeOut(open.turns[2]!.id);
    for (const tab of [a, b]) await tab.settle();
    for (const one of [here, there]) {
      await one.prepare();
      expect([one.find('tin'), one.find('copper')]).toMatchObject([[], [{}]]);
    }
  });

  it('narrows down as one types, and widens again', async () => {
    const shelf = new Shelf();
    shelf.put('1', 'a', 'copper river');
    shelf.put('2', 'b', 'copper lamp');
    const search = shelf.search();
    await search.prepare();
    for (const [typed, expected] of [
      ['copper', ['1', '2']],
      ['copper ri', ['1']],
      ['copper rix', []],
      ['copper', ['1', '2']],
      ['lamp', ['2']],
    ] as const) {
      expect(ids(search.find(typed)), typed).toEqual(expected);
    }
  });

  it('shows the line with the longest word, as it was written, and whole characters of it', async () => {
    const shelf = new Shelf();
    const long = `${'👩‍👩‍👧‍👦 '.repeat(30)}ÉTÉ at last${' and on'.repeat(60)}`;
    shelf.put('1', 'Title', 'first line\nthe SECOND Línea is here\nthird', long);
    const search = shelf.search();
    await search.prepare();
    expect(search.line('1', 'is linea')).toEqual({ before: 'the SECOND ', match: 'Línea', after: ' is here' });
    expect(search.line('1', 'title')).toEqual({ before: '', match: 'Title', after: '' });
    const found = search.line('1', 'ete')!;
    expect(found.match).toBe('ÉTÉ');
    expect(found.before).toMatch(/^… ?👩‍👩‍👧‍👦 /);
    expect(found.before).not.toMatch(/\p{Surrogate}/u);
    expect(found.after.length).toBeLessThanOrEqual(120);
    expect(search.line('1', 'absent')).toBeNull();
  });

  it('goes on past a conversation that cannot be read', async () => {
    const shelf = new Shelf();
    shelf.put('broken', 'Broken');
    shelf.put('2', 'Other', 'words');
    const search = shelf.search();
    await search.prepare();
    expect(shelf.failures).toHaveLength(1);
    expect(ids(search.find('words'))).toEqual(['2']);
    expect(ids(search.find('broken'))).toEqual(['broken']);
  });
});
