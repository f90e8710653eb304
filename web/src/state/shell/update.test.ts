import { flushSync } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Update } from './update.svelte.ts';

let busy: SvelteSet<'writing' | 'donating'>;
let reloads: number;
let update: Update;
let stop: () => void;
beforeEach(() => {
  busy = new SvelteSet();
  reloads = 0;
  ({ update, stop } = Update.follow({
    writing: () => busy.has('writing'),
    donating: () => busy.has('donating'),
    reload: () => reloads++,
  }));
  flushSync();
});
afterEach(() => stop());

test('nothing reloads before its person says so', () => {
  update.offer(true);
  flushSync();
  expect([update.ready, update.kind, reloads]).toEqual([true, 'now', 0]);
  update.reload();
  flushSync();
  expect([update.ready, reloads]).toEqual([false, 1]);
});

test('an answer is written to its end first', () => {
  busy.add('writing').add('donating');
  update.offer(true);
  expect(update.kind).toBe('answer');
  update.reload();
  flushSync();
  expect([update.waits, reloads]).toEqual([true, 0]);
  busy.delete('writing');
  flushSync();
  expect([update.waits, reloads]).toEqual([false, 1]);
});

test('whoever says later while it waits keeps the tab, and hears of the next version only', () => {
  busy.add('writing');
  update.offer(true);
  update.reload();
  update.later();
  busy.delete('writing');
  flushSync();
  update.offer(false);
  expect([update.ready, reloads]).toEqual([false, 0]);
  update.offer(true);
  expect(update.ready).toBe(true);
});

test('a donating tab is told that it goes on donating', () => {
  busy.add('donating');
  update.offer(false);
  expect([update.ready, update.kind]).toEqual([true, 'donating']);
});
