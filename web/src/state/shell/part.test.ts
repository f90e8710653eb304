import { expect, test } from 'vitest';
import { PartError, type PartFailure } from './part-error.ts';
import { Part } from './part.svelte.ts';

/** Settles what a resolved or rejected promise has to do. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

test('a part is fetched once for all who need it', async () => {
  let fetched = 0;
  const part = new Part(async () => ++fetched);
  expect([part.value, part.loading]).toEqual([null, false]);
  part.need();
  part.need();
  expect(part.loading).toBe(true);
  await settled();
  part.need();
  expect([part.value, part.loading, part.failure, fetched]).toEqual([1, false, null, 1]);
});

test('one that did not come says why, until it comes at the next try', async () => {
  const failures: (PartFailure | null)[] = ['away', 'updated', 'broken', null];
  const seen: unknown[] = [];
  const part = new Part(async () => {
    const failure = failures[seen.length];
    if (failure !== null && failure !== undefined) throw new PartError(failure, 'x.js');
    return 'here';
  });
  for (const failure of failures) {
    part.need();
    await settled();
    seen.push(part.failure);
    expect(part.value).toBe(failure === null ? 'here' : null);
  }
  expect(seen).toEqual(failures);
});

test('an error of another kind needs a reload, too', async () => {
  const part = new Part(() => Promise.reject(new Error('a module threw')));
  part.need();
  await settled();
  expect(part.failure).toBe('broken');
});
