import { expect, test } from 'vitest';
import * as v from 'valibot';
import { PeersPageSchema, readPeers } from '@llmesh/core/wire/api-pages';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MAX_LISTED_PEERS, MAX_PEERS_PAGE_BYTES, PeerList } from './peer-list.ts';
import { Registry } from '../registry/registry.ts';
import { advertised } from '../testing/clients.ts';

function setUp() {
  const registry = new Registry(new ManualClock());
  const list = new PeerList(new ManualClock(), registry);
  const getJson = async (path: string) => {
    const query = new URL(path, 'http://mesh').searchParams;
    const page = list.page(query.get('after') ?? '', Number(query.get('limit') ?? MAX_LISTED_PEERS));
    const { body } = await page.read();
    expect(body.byteLength).toBeLessThan(MAX_PEERS_PAGE_BYTES + 100);
    return JSON.parse(body.toString()) as unknown;
  };
  const lend = (models = [advertised()]) => {
    const peer = registry.join(newPeerId(), 'native');
    registry.advert(peer, { models, slots: 1, certificate: null });
    return peer.peerId;
  };
  return { registry, list, getJson, lend };
}

test('all peers are found page by page, those who lend first, each once', async () => {
  const { registry, getJson, lend } = setUp();
  const requesters = Array.from({ length: 1_300 }, () => registry.join(newPeerId(), 'browser').peerId);
  const lenders = Array.from({ length: 1_100 }, () => lend());
  const first = v.parse(PeersPageSchema, await getJson('/api/peers'));
  expect(first.peers.length).toBeGreaterThan(500);
  expect(first.peers.every(({ models }) => models.length > 0)).toBe(true);
  const all = (await readPeers(getJson)).map(({ peerId }) => peerId);
  expect(all.slice(0, 1_100)).toEqual(lenders.toSorted());
  expect(all.slice(1_100)).toEqual(requesters.toSorted());
});

test('of so many at most, and what follows when one of them has left', async () => {
  const { registry, getJson, lend } = setUp();
  const lenders = Array.from({ length: 5 }, () => lend()).toSorted();
  const page = v.parse(PeersPageSchema, await getJson('/api/peers?limit=2'));
  expect(page.peers.map(({ peerId }) => peerId)).toEqual(lenders.slice(0, 2));
  registry.leave(registry.find(lenders[1]!)!);
  const rest = v.parse(PeersPageSchema, await getJson(`/api/peers?limit=9&after=${page.next}`));
  expect(rest.peers.map(({ peerId }) => peerId)).toEqual(lenders.slice(2));
  expect(rest).not.toHaveProperty('next');
});

test('adapters are left out, and fat adverts fill pages without making them larger', async () => {
  const { getJson, lend } = setUp();
  const name = '\u0001'.repeat(80);
  const adapters = [{ sha256: 'a'.repeat(64), name }];
  for (let i = 0; i < 120; i++) {
    lend(Array.from({ length: 16 }, (_, m) => ({ ...advertised(`m${i}-${m}` as ModelId), name, adapters })));
  }
  const page = v.parse(PeersPageSchema, await getJson('/api/peers'));
  expect(page.peers.length).toBeLessThan(120);
  expect(JSON.stringify(page)).not.toContain('adapters');
  expect(await readPeers(getJson)).toHaveLength(120);
});

test('whoever looks with ever other limits is told to come again, and the first page is there for others', () => {
  const { list } = setUp();
  const look = () => {
    for (let i = 1; i < 200; i++) list.page('', i);
  };
  expect(look).toThrow(expect.objectContaining({ code: 'busy' }));
  expect(list.page('', MAX_LISTED_PEERS)).toBeDefined();
  expect(() => list.page('x', 5)).toThrow(expect.objectContaining({ code: 'bad_message' }));
});
