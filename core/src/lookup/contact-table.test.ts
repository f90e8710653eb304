import { expect, it } from 'vitest';
import { newPeerId, type PeerId } from '../base/ids.ts';
import { contactOf, MAX_OF_A_GROUP, type MetContact } from './contact.ts';
import { BUCKET_SIZE, ContactTable, SIBLINGS } from './contact-table.ts';
import { compareDistance, placeOf, sharedBits } from './place.ts';

const self = placeOf('peer', newPeerId());
let groups = 0;
const contact = (peer: PeerId = newPeerId(), group = `group ${groups++}`): MetContact => ({
  ...contactOf(peer),
  group,
});
/** Every second peer is as far away as can be: they all meet in one bucket. */
const farAway = (group?: string): MetContact => {
  for (;;) {
    const one = contact(newPeerId(), group);
    if (sharedBits(self, one.place) === 0) return one;
  }
};

it('the nearest are found among all that are known, nearest first', () => {
  const table = new ContactTable(self);
  const all = Array.from({ length: 30 }, () => contact());
  for (const one of all) table.met(one);
  const target = placeOf('model', 'some-model');
  const known = table.all();
  const nearest = table.nearest(target, 5);
  expect(nearest).toEqual(known.sort((a, b) => compareDistance(target, a.place, b.place)).slice(0, 5));
});

it('a thousand newcomers push out nobody who was there, and one comes in when one is lost', () => {
  const table = new ContactTable(self);
  const old = Array.from({ length: SIBLINGS }, () => farAway());
  for (const one of old) table.met(one);
  const before = new Set(table.all().map(({ peer }) => peer));
  const newcomers = Array.from({ length: 1_000 }, () => farAway());
  for (const one of newcomers) table.met(one);
  const bucket = old.slice(0, BUCKET_SIZE);
  const after = new Set(table.all().map(({ peer }) => peer));
  for (const { peer } of bucket) expect(before.has(peer) && after.has(peer)).toBe(true);
  table.lost(bucket[0]!.peer, bucket[0]!.place);
  const left = new Set(table.all().map(({ peer }) => peer));
  expect(left.has(bucket[0]!.peer)).toBe(false);
  expect(left.has(newcomers.at(-1)!.peer)).toBe(true);
});

it('a bucket and the siblings hold only so many peers of one network', () => {
  const table = new ContactTable(self);
  for (let i = 0; i < 100; i++) table.met(farAway('198.51.100.0/24'));
  // The siblings may hold other ones of that network than the bucket.
  expect(table.all().length).toBeLessThanOrEqual(2 * MAX_OF_A_GROUP);
  expect(table.all().length).toBeGreaterThanOrEqual(MAX_OF_A_GROUP);
});

it('a peer stands there once, and never we ourselves', () => {
  const peer = newPeerId();
  const table = new ContactTable(placeOf('peer', peer));
  table.met(contact(peer));
  const other = contact();
  table.met(other);
  table.met({ ...other, group: 'elsewhere' });
  expect(table.all()).toEqual([{ ...other, group: 'elsewhere' }]);
});
