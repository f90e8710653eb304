/** A conversation whose only question is edited and asked again at once, while another tab has it open. */
import { expect, it } from 'vitest';
import { FakeMesh } from '../../../testing/fake-mesh.ts';
import { MemoryStore, type Changed, type Entry } from '../../store.ts';
import type { Answer } from '../turn.ts';

const last = (tab: FakeMesh) => tab.chat.open.turns.at(-1) as Answer;

/** The store of a tab that is told late what others changed: by then there may be something else. */
class LateStore extends MemoryStore {
  #untold: (() => Promise<void>)[] = [];

  override follow(prefix: string, changed: Changed): () => void {
    return super.follow(prefix, (entries, whole) => {
      this.#untold.push(async () => {
        const now = entries.map(async ([key]): Promise<Entry> => [key, await this.get(key)]);
        changed(await Promise.all(now), whole);
      });
    });
  }

  async tell(): Promise<void> {
    for (const tell of this.#untold.splice(0)) await tell();
  }
}

async function settle(...all: FakeMesh[]): Promise<void> {
  for (let i = 0; i < 3; i++) for (const tab of all) await tab.settle();
}

it('a tab leaves alone what took the place of its turns, when another emptied the conversation and asked anew', async () => {
  const shared = new MemoryStore();
  const a = new FakeMesh(shared);
  const store = new LateStore(shared);
  const b = new FakeMesh(store, undefined, a.tab.browser.openTab());
  await a.open({});
  a.chat.ask('one');
  await a.settle();
  await a.piece('1');
  await a.done();
  await b.conversations.restore();
  await b.open({});
  await b.chat.show(a.chat.open.id);
  a.chat.edit(last(a).id);
  a.chat.send();
  await settle(a);
  await a.piece('anew');
  await a.done();
  await settle(a, b);
  b.chat.open.again(last(b).id);
  await settle(a, b);
  b.chat.edit(last(b).id);
  await settle(a, b);
  await store.tell();
  await settle(a, b);
  expect(a.chat.open.turns.map(({ text }) => text)).toEqual(['one', 'anew']);
  expect(b.chat.open.snapshot()).toEqual(a.chat.open.snapshot());
  expect(b.asked).toEqual([]);
});
