import { expect, it } from 'vitest';
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import { MemoryStore } from '../../store.ts';
import { AdapterChoice } from './adapter-choice.svelte.ts';
import { chosenWith, chosenWithout, MAX_OWN, OwnAdapters, whyNot, type KeptAdapter } from './own-adapters.svelte.ts';

const kept = (digit: string): KeptAdapter => ({
  version: 1,
  content: digit.repeat(64) as ContentId,
  sha256: digit.repeat(64),
  name: `No. ${digit}`,
  sizeBytes: 100,
  lora: { name: '', architecture: 'llama', rank: 4, width: 256, layers: 4 },
});
const file = (name: string) => new File(['x'], name);

function setUp(store = new MemoryStore()) {
  let next: KeptAdapter | MeshError = kept('a');
  const gone: string[] = [];
  let busy = false;
  const own = new OwnAdapters({
    store,
    shelf: {
      keep: async (_file, onProgress) => {
        onProgress(0.5);
        if (next instanceof MeshError) throw next;
        return next;
      },
      remove: async () => {
        if (busy) throw new MeshError('busy', 'In use.');
      },
    },
    gone: (content) => gone.push(content),
    failed: () => {},
  });
  return { store, own, gone, gives: (one: KeptAdapter | MeshError) => (next = one), hold: () => (busy = true) };
}

it('keeps what was added for the next visit, and forgets what was removed', async () => {
  const { store, own, gone } = setUp();
  const adding = own.add(file('a.gguf'));
  expect(own.share).toBe(0.5);
  expect(await own.add(file('b.gguf'))).toBeNull();
  const added = await adding;
  expect(own.share).toBeNull();
  expect(own.list).toEqual([added]);
  const later = setUp(store).own;
  await later.restore();
  expect(later.list).toEqual([added]);
  await own.remove(added!);
  expect([own.list, gone]).toEqual([[], ['a'.repeat(64)]]);
});

it('another tab sees what this one added', async () => {
  const { store, own } = setUp();
  const { own: other } = setUp(new MemoryStore(store));
  await own.add(file('a.gguf'));
  await expect.poll(() => other.list.length).toBe(1);
});

it('says why a file is not kept, and why one in use stays', async () => {
  const { own, gives, hold, gone } = setUp();
  gives(new MeshError('model_unreadable', 'a is empty.'));
  expect(await own.add(file('a.gguf'))).toBeNull();
  expect(own.trouble).toBe('a is empty.');
  gives(kept('a'));
  const added = await own.add(file('a.gguf'));
  expect(own.trouble).toBeNull();
  hold();
  await own.remove(added!);
  expect(own.trouble).toMatch(/Stop that first/);
  expect([own.list.length, gone]).toEqual([1, []]);
});

it('reads nothing that an older page or somebody else left', async () => {
  const { store, own } = setUp();
  await store.set([
    ['adapter/x', { version: 2 }],
    ['adapter/y', { ...kept('b'), content: '../../up' }],
    ['adapter/z', kept('c')],
  ]);
  await own.restore();
  expect(own.list).toEqual([kept('c')]);
});

it('keeps so many and no more', async () => {
  const { store, own } = setUp();
  const digits = '0123456789ab'.split('');
  expect(digits).toHaveLength(MAX_OWN);
  await store.set(digits.map((digit) => [`adapter/${digit.repeat(64)}`, kept(digit)]));
  await own.restore();
  expect(await own.add(file('a.gguf'))).toBeNull();
  expect(own.trouble).toMatch(/Remove one first/);
});

it.each([
  [{ architecture: 'llama', width: 256, layers: 4 }, null],
  [{ architecture: 'llama', width: 512, layers: 4 }, /another size/],
  [undefined, /Nobody takes adapters/],
])('with a model of %j', (takesAdapters, why) => {
  const said = whyNot(kept('a'), { takesAdapters });
  if (why === null) expect(said).toBeNull();
  else expect(said).toMatch(why);
});

it('each model has the adapter that was chosen for it, until it is gone', async () => {
  const store = new MemoryStore();
  const choice = new AdapterChoice({ store, failed: () => {} });
  const { content, sha256, name, sizeBytes } = kept('a');
  const asked = { content, sha256, name, sizeBytes };
  choice.change(chosenWith('tiny', asked));
  choice.change(chosenWith('other', asked));
  choice.change(chosenWith('other', null));
  expect([choice.of('tiny'), choice.of('other')]).toEqual([asked, null]);
  await expect.poll(() => store.get('record/adapters')).toBeDefined();
  const later = new AdapterChoice({ store, failed: () => {} });
  await later.restore();
  expect(later.of('tiny')).toEqual(asked);
  later.change(chosenWithout(content));
  expect(later.of('tiny')).toBeNull();
});
