import { expect, it } from 'vitest';
import { memoryKept } from '../../../testing/pretend-browser.ts';
import { Places } from './places.ts';

it('are found again after a reload, the last fifty of them', () => {
  const one = memoryKept();
  const places = new Places(one);
  for (let i = 0; i < 60; i++) places.keep(`talk${i}`, { id: `row${i}`, intoPx: i });
  places.keep('talk59', null);
  places.write();
  const again = new Places(one);
  expect(again.of('talk58')).toEqual({ id: 'row58', intoPx: 58 });
  expect([again.of('talk59'), again.of('talk0')]).toEqual([null, null]);
});

it('are none where what was kept cannot be read', () => {
  expect(new Places(memoryKept(new Map([['places', [['talk', { id: 'row', intoPx: 'far' }]]]]))).of('talk')).toBeNull();
});
