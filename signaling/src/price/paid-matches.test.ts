/** Matches that are paid, and those that are not: real clients, a real control plane, its real ledger. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { fromBase32 } from '@llmesh/core/base/base32';
import { MICRO } from '@llmesh/core/ledger/credit';
import { PRICE_VERSION } from '@llmesh/core/policy/price';
import { readLeases } from '@llmesh/core/receipts/lease';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import { PriceSchema } from '@llmesh/core/wire/credit-pages';
import { startControlPlane, type ControlPlane } from '../server.ts';
import { comes, lends } from '../testing/audits.ts';
import { advertised, TINY, type MeshPeer } from '../testing/clients.ts';

/** `price-tiny` of `governance/parameters.ts`, in micro-credits for 1,000 units. */
const PRICE = 100_000;
const folders: string[] = [];
const planes: ControlPlane[] = [];
const peers: MeshPeer[] = [];
let [required, priority] = [0, 0];

async function start(credits: 'required' | 'priority'): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'llmesh-fares-'));
  folders.push(folder);
  const options = { dataFolder: folder, credits, joinWorkBits: 0, trustProxy: true };
  const plane = await startControlPlane({ ...{ port: 0, host: '127.0.0.1', webFolder: folder }, ...options });
  planes.push(plane);
  const provider = await comes(plane.port, '198.51.100.7');
  peers.push(provider);
  await lends(provider, advertised(), 32);
  return plane.port;
}

beforeAll(async () => {
  required = await start('required');
  priority = await start('priority');
});
afterAll(async () => {
  await Promise.all(planes.map((plane) => plane.close()));
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

/** A newcomer, who has the allowance. */
async function asks(port: number, from: string) {
  const peer = await comes(port, from);
  peers.push(peer);
  const offers = await peer.says('offers');
  await accounts(peer, ({ allowance }) => allowance > 0);
  let requestId = 0;
  const match = async (changes: object = {}) => {
    const asked = { type: 'match', requestId: ++requestId, model: TINY, maxUnits: 1_000, exclude: [] };
    peer.send({ ...asked, only: null, prefer: null, ...changes });
    const said = await peer.next('an answer', (one) => one?.type === 'matched' || one?.type === 'refused');
    if (said?.type !== 'matched') return said;
    return readLeases(fromBase32(said.lease ?? '')!);
  };
  return { peer, offers, match };
}

/** The first news of its credits that `wanted` accepts. */
function accounts(peer: MeshPeer, wanted: (news: AccountNews) => boolean): Promise<AccountNews> {
  return peer.next('news of credits', (one): one is AccountNews => one?.type === 'account' && wanted(one));
}

describe('a match', () => {
  test('is paid by credits that are put aside, at the price that everyone is shown', async () => {
    const { peer, offers, match } = await asks(required, '203.0.113.5');
    expect(offers).toMatchObject({ models: [{ id: TINY, price: PRICE }] });
    expect(await match()).toMatchObject({ price: PRICE, priceVersion: PRICE_VERSION, maxUnits: 1_000 });
    expect((await accounts(peer, ({ held }) => held > 0)).held).toBe(PRICE);
    expect(await match({ maxUnits: 1_000_000_000 })).toMatchObject({ code: 'bad_message' });
    expect(await match({ maxUnits: 10_000_000 })).toMatchObject({ code: 'credits_short' });
  });

  test('is not made at a price that was never shown, and says the new one', async () => {
    const { match } = await asks(required, '203.0.113.6');
    const refused = await match({ maxPrice: 30_000 });
    expect(refused).toMatchObject({ code: 'price_changed', message: expect.stringContaining('0.1 credits') });
    expect(await match({ maxPrice: PRICE })).toMatchObject({ price: PRICE });
  });

  test('is free with providers of the same network, who would pay themselves', async () => {
    const { match } = await asks(required, '198.51.100.8');
    expect(await match()).toMatchObject({ price: 0 });
  });

  test('is free for whoever cannot pay it, where nobody has to', async () => {
    const { match } = await asks(priority, '203.0.113.7');
    expect(await match({ maxUnits: 16_000_000 })).toMatchObject({ price: 0 });
    const { match: paid } = await asks(priority, '203.0.114.7');
    expect(await paid({ maxUnits: 1_000 })).toMatchObject({ price: PRICE });
  });
});

test('/api/price says what a task costs now, and how that comes about', async () => {
  const price = async (query: string) => {
    const response = await fetch(`http://127.0.0.1:${required}/api/price?${query}`);
    return [response.status, await response.json()] as const;
  };
  const [status, quote] = await price(`model=${TINY}&units=5000&complexity=2000`);
  expect(status).toBe(200);
  const { price: told, cost, base, demand } = v.parse(PriceSchema, quote);
  expect([told, cost, base]).toEqual([2 * Math.ceil((PRICE * demand) / 1_000), 5 * told, PRICE]);
  expect(cost).toBeLessThanOrEqual(MICRO);
  for (const wrong of [
    '',
    'model=a&model=b',
    `model=${TINY}&units=0`,
    `model=${TINY}&units=1e3`,
    `model=${TINY}&task=X`,
  ])
    expect((await price(wrong))[0]).toBe(400);
  expect((await price('model=nobodys'))[0]).toBe(404);
  expect((await price(`model=${TINY}&task=embedding`))[0]).toBe(404);
});
