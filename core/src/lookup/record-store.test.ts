import { expect, it } from 'vitest';
import { nodeIdentity, nodeVerify } from '../identity/node-signatures.ts';
import { MAX_RECORD_LIFE_MS, readLookupRecord, writeLookupRecord } from './lookup-record.ts';
import { placeOf } from './place.ts';
import { MAX_OF_A_KEY, MAX_OF_A_PUBLISHER, RecordStore } from './record-store.ts';

const NOW = 1_800_000_000_000;
const identity = (n: number) => nodeIdentity(new Uint8Array(32).fill(n + 1));
const write = (key: string, expiresAtMs = NOW + 60_000, n = 0) =>
  writeLookupRecord({ kind: 'model', key, expiresAtMs, addresses: [] }, identity(n));

it('a record says who wrote it, and what', async () => {
  const fields = { kind: 'anchor', key: 'mesh', expiresAtMs: NOW + 1, addresses: ['wss://a.example:7071'] } as const;
  const record = await writeLookupRecord(fields, identity(0));
  expect(readLookupRecord(record, NOW, nodeVerify)).toEqual({ ...fields, publisher: identity(0).peerId });
});

it('nothing is kept that is altered, over, or meant to last too long', async () => {
  const store = new RecordStore(() => NOW, nodeVerify);
  const record = await write('m');
  for (let i = 0; i < record.byteLength; i++) {
    const altered = record.slice();
    altered[i]! ^= 1;
    expect(store.put(altered)).toBe(false);
    expect(store.put(record.subarray(0, i))).toBe(false);
  }
  expect(store.put(await write('m', NOW))).toBe(false);
  expect(store.put(await write('m', NOW + MAX_RECORD_LIFE_MS + 1))).toBe(false);
  expect(store.at(placeOf('model', 'm'))).toEqual([]);
  expect(store.put(record)).toBe(true);
  expect(store.at(placeOf('model', 'm'))).toEqual([record]);
});

it('a later record replaces an earlier one, not the reverse, and is forgotten when it is over', async () => {
  let now = NOW;
  const store = new RecordStore(() => now, nodeVerify);
  const [early, late] = [await write('m', NOW + 10), await write('m', NOW + 20)];
  store.put(late);
  store.put(early);
  expect(store.at(placeOf('model', 'm'))).toEqual([late]);
  now = NOW + 20;
  expect(store.at(placeOf('model', 'm'))).toEqual([]);
});

it('a key and a publisher have only so much room, which expiry gives back', async () => {
  let now = NOW;
  const store = new RecordStore(() => now, nodeVerify);
  for (let n = 0; n < MAX_OF_A_KEY; n++) expect(store.put(await write('m', NOW + 10, n))).toBe(true);
  expect(store.put(await write('m', NOW + 10, MAX_OF_A_KEY))).toBe(false);
  for (let i = 1; i < MAX_OF_A_PUBLISHER; i++) expect(store.put(await write(`other-${i}`, NOW + 99))).toBe(true);
  expect(store.put(await write('one-more', NOW + 99))).toBe(false);
  now = NOW + 10;
  expect(store.put(await write('m', NOW + 99, MAX_OF_A_KEY))).toBe(true);
  expect(store.put(await write('one-more', NOW + 99))).toBe(true);
});
