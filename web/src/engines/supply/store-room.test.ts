import type { ContentId, StoredSummary } from '@llmesh/core/models/piece-store';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { expect, it } from 'vitest';
import { StoreRoom, type StoreRoomNeeds } from './store-room.ts';

const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;
const wanted = { name: 'New', format: 'gguf', sha256: null, content: 'ff'.repeat(32), sizeBytes: 1e9 };
const model = wanted as unknown as CatalogueModel;

function kept(digit: string, daysAgo: number, more: Partial<StoredSummary> = {}): StoredSummary {
  return {
    content: digit.repeat(64) as ContentId,
    ...{ format: 'gguf', sha256: null, sizeBytes: 1e9, loadedBytes: 1e9, whole: true },
    usedAt: NOW - daysAgo * DAY_MS,
    ...more,
  };
}

/** What is left, and what was said. */
async function after(all: StoredSummary[], needs: Partial<StoreRoomNeeds> = {}) {
  const said: string[] = [];
  let left = all;
  const room = new StoreRoom({
    store: {
      list: async () => left,
      remove: async (content) => void (left = left.filter((one) => one.content !== content)),
    },
    limitBytes: () => 2e9,
    lent: () => [],
    othersHave: async () => true,
    quota: async () => null,
    now: () => NOW,
    say: (words) => said.push(words),
    ...needs,
  });
  const error: unknown = await room.make(model).catch((thrown: unknown) => thrown);
  return { left: left.map(({ content }) => content[0]).join(''), said, error };
}

it('what was used longest ago leaves, and no more than has to; it is said before and after', async () => {
  const { left, said } = await after([kept('a', 1), kept('b', 9)]);
  expect(left).toBe('a');
  expect(said).toEqual([
    expect.stringMatching(/^Removing a model of 1\.0 GB, last used on .*, to make room for New within your limit\.$/),
    expect.stringMatching(/^Removed a model of 1\.0 GB, .* Others on the mesh still have it\.$/),
  ]);
});

it('a browser that is short of room counts, too', async () => {
  const quota = async () => ({ usedBytes: 1.5e9, quotaBytes: 1.6e9 });
  expect((await after([kept('a', 1), kept('b', 9)], { limitBytes: () => 9e9, quota })).left).toBe('a');
});

it('what is kept for others leaves first, and also where no limit was set', async () => {
  const quota = async () => ({ usedBytes: 1.5e9, quotaBytes: 1.6e9 });
  const asked: number[] = [];
  const free = async (bytes: number) => (asked.push(bytes), bytes);
  expect((await after([kept('a', 1)], { limitBytes: () => null, quota, free })).left).toBe('a');
  expect((await after([kept('a', 1), kept('b', 9)], { quota, free })).left).toBe('ab');
  expect(asked.map((bytes) => Math.round(bytes / 1e6))).toEqual([900, 1_000]);
  const some = async () => 1e8;
  expect((await after([kept('a', 1), kept('b', 9)], { free: some })).left).toBe('a');
});

it('without a limit nothing is ever removed', async () => {
  const quota = async () => ({ usedBytes: 2e9, quotaBytes: 2e9 });
  expect(await after([kept('a', 99)], { limitBytes: () => null, quota })).toEqual({
    left: 'a',
    said: [],
    error: undefined,
  });
});

it('what is here of the model itself is neither counted twice nor removed', async () => {
  const begun = kept('f', 99, { loadedBytes: 4e8, whole: false });
  expect((await after([begun, kept('a', 1)])).left).toBe('fa');
});

it.each<[string, StoredSummary, Partial<StoreRoomNeeds>]>([
  ['is lent', kept('a', 9), { lent: () => ['a'.repeat(64) as ContentId] }],
  ['was used lately', kept('a', 0.01), {}],
  ['is a file of the visitor', kept('a', 9, { format: 'adapter' }), {}],
  ['is unfinished', kept('a', 9, { whole: false }), {}],
  ['nobody else has', kept('a', 9), { othersHave: async () => false }],
  ['nobody can tell about', kept('a', 9), { othersHave: () => Promise.reject(new Error('offline')) }],
])('what %s never leaves, and then it says what to do', async (_what, one, needs) => {
  const { left, said, error } = await after([one], { limitBytes: () => 1e9, ...needs });
  expect([left, said]).toEqual(['a', []]);
  expect(error).toMatchObject({ code: 'storage_full', message: expect.stringContaining('choose a higher limit') });
});
