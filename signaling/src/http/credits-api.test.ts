/** Orders, news of accounts and the pages about them, on a real control plane with a real ledger. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { toBase32 } from '@llmesh/core/base/base32';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import type { Identity } from '@llmesh/core/identity/identity';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import { inCredits, MICRO } from '@llmesh/core/ledger/credit';
import { ORDER_WITHIN_MS, signOrder, type OrderBody } from '@llmesh/core/ledger/order';
import {
  AccountPageSchema,
  CreditsSchema,
  LeaderboardSchema,
  PostingsPageSchema,
  ProposalsSchema,
} from '@llmesh/core/wire/credit-pages';
import { startControlPlane, type ControlPlane } from '../server.ts';
import { MeshPeer, newIdentity } from '../testing/clients.ts';
import { fundedFolder } from '../testing/funded-folder.ts';

const FUNDED = PARAMETERS['uptime-cap'].initial;
const TENTH = FUNDED / 10;
const [ann, bob, cat, dan, eve] = Array.from({ length: 5 }, newIdentity) as [
  Identity,
  Identity,
  Identity,
  Identity,
  Identity,
];
let root = '';
let plane: ControlPlane;
const peers: MeshPeer[] = [];
let from = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'llmesh-orders-'));
  await fundedFolder(root, [ann, bob, cat, dan]);
  plane = await start({ dataFolder: root });
});
afterAll(async () => {
  await plane.close();
  await rm(root, { recursive: true });
});

function start(options: Partial<Parameters<typeof startControlPlane>[0]>): Promise<ControlPlane> {
  return startControlPlane({
    ...{ port: 0, host: '127.0.0.1', webFolder: root, joinWorkBits: 0, trustProxy: true, ...options },
  });
}

/** Each from a network of its own. */
async function comes(identity = newIdentity(), { port } = plane) {
  from++;
  const peer = new MeshPeer(port, identity, { headers: { 'X-Forwarded-For': `198.51.${from}.1` } });
  await peer.join();
  const { issuer, now } = await peer.says('welcome');
  peers.push(peer);
  let id = 0;
  const send = async (order: Uint8Array) => {
    peer.send({ type: 'order', requestId: ++id, order: toBase32(order) });
    const said = await peer.next('an answer', (one) => one?.type === 'filed' || one?.type === 'refused');
    return said?.type === 'refused' ? `${said.code}: ${said.message}` : said?.type;
  };
  /** Two orders of the same millisecond are one. */
  let ms = now!;
  const order = async (body: OrderBody) => send(await signOrder(body, { issuer, ms: ms++ }, identity));
  return { peer, issuer, now: now!, send, order };
}

async function page<S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S>> {
  const response = await fetch(`http://127.0.0.1:${plane.port}/api/${path}`);
  expect(response.status).toBe(200);
  return v.parse(schema, await response.json());
}
const accountOf = async (peer: PeerId) => page(`account?peer=${peer}`, AccountPageSchema);
const postingsOf = async (peer: PeerId, before = '') => page(`postings?peer=${peer}${before}`, PostingsPageSchema);

describe('a transfer', () => {
  test('reaches the other, is told to both, and is on their pages with its reason', async () => {
    const [a, b] = [await comes(ann), await comes(bob)];
    expect(await a.peer.says('account')).toMatchObject({ mode: 'priority', free: FUNDED, held: 0, stake: 0 });
    expect(await b.peer.says('account')).toMatchObject({ free: FUNDED });
    expect(await a.order({ kind: 'transfer', to: bob.peerId, amount: 4 * TENTH })).toBe('filed');
    expect(await b.peer.says('account')).toMatchObject({ free: 14 * TENTH });
    expect(await a.peer.says('account')).toMatchObject({ free: 6 * TENTH });
    expect((await accountOf(ann.peerId)).account.free).toBe(6 * TENTH);
    const { postings } = await postingsOf(ann.peerId);
    expect(postings[0]).toMatchObject({ account: 'free', amount: -4 * TENTH, reason: 'transfer', other: bob.peerId });
    expect(postings.map(({ reason }) => reason)).toContain('uptime');
    expect(postings.every(({ account }) => !account.includes(':'))).toBe(true);
    // Older ones follow page by page.
    const { postings: older } = await postingsOf(ann.peerId, `&before=${postings[0]!.index}`);
    expect(older).toEqual(postings.slice(1));
  });

  test('counts once however often it comes, and whoever brings it', async () => {
    const [c, carrier] = [await comes(cat), await comes()];
    const order = await signOrder(
      { kind: 'transfer', to: dan.peerId, amount: 1_000 },
      { issuer: c.issuer, ms: c.now },
      cat,
    );
    expect(await Promise.all([c.send(order), carrier.send(order)])).toEqual(['filed', 'filed']);
    expect(await c.send(order)).toBe('filed');
    expect((await accountOf(cat.peerId)).account.free).toBe(FUNDED - 1_000);
  });

  test('is refused, in words that say what is missing, where it is too large, late, forged or for another mesh', async () => {
    const [d, forger] = [await comes(dan), await comes()];
    const short = await d.order({ kind: 'transfer', to: ann.peerId, amount: 2 * MICRO });
    expect(short?.replace(', and 0.001 not final yet', '')).toBe(
      `credits_short: This transfer takes 2 credits, and this key has ${inCredits(FUNDED)} free: ${inCredits(2 * MICRO - FUNDED)} are missing.`,
    );
    expect(await d.order({ kind: 'transfer', to: dan.peerId, amount: 1 })).toMatch(/^order_refused: /);
    const body = { kind: 'transfer', to: ann.peerId, amount: 1 } as const;
    const { issuer, now } = d;
    expect(await d.send(await signOrder(body, { issuer: newPeerId(), ms: now }, dan))).toMatch(/another mesh/);
    const late = await signOrder(body, { issuer, ms: now - ORDER_WITHIN_MS - 60_000 }, dan);
    expect(await d.send(late)).toMatch(/order_refused: .* too long ago/);
    const early = await signOrder(body, { issuer, ms: now + ORDER_WITHIN_MS + 60_000 }, dan);
    expect(await d.send(early)).toMatch(/order_refused: .* later/);
    const good = await signOrder(body, { issuer, ms: now }, dan);
    for (const bad of [good.with(good.length - 1, good.at(-1)! ^ 1), good.subarray(0, 40), new Uint8Array([1])]) {
      expect(await forger.send(bad)).toMatch(/^order_refused: /);
    }
    expect(await forger.send(good)).toBe('filed');
  });

  test('of those who order too much has to wait', async () => {
    const e = await comes(eve);
    const outcomes = [];
    for (let i = 0; i < 12; i++) outcomes.push(await e.order({ kind: 'stake', amount: 1 }));
    expect(outcomes.filter((one) => one?.startsWith('credits_short'))).toHaveLength(10);
    expect(outcomes.at(-1)).toMatch(/^rate_limited: /);
  });
});

test('a stake is put up and taken back slowly, a name is on the leaderboard, and a vote needs weight', async () => {
  const c = await comes(cat);
  expect(await c.order({ kind: 'stake', amount: 2 * TENTH })).toBe('filed');
  expect(await c.order({ kind: 'unstake', amount: 2 * TENTH + 1 })).toMatch(/^credits_short: .*0\.000001 are missing/);
  expect(await c.order({ kind: 'unstake', amount: TENTH })).toBe('filed');
  expect(await c.order({ kind: 'alias', alias: 'The otter' })).toBe('filed');
  const { account, alias, releases, today, earned, weight } = await accountOf(cat.peerId);
  expect(account).toMatchObject({ stake: TENTH, unbonding: TENTH });
  expect(releases).toMatchObject([{ amount: TENTH }]);
  expect({ alias, earned, weight, uptime: today.uptime + 0 }).toMatchObject({ alias: 'The otter', earned: FUNDED });
  expect(await (await comes(eve)).order({ kind: 'alias', alias: 'Nobody' })).toMatch(/^rate_limited|^order_refused/);
  expect((await page('leaderboard', LeaderboardSchema)).leaders).toMatchObject([
    { peer: cat.peerId, alias: 'The otter', earned: FUNDED },
  ]);
  expect(await c.order({ kind: 'propose', parameter: 'slash', value: 120 })).toMatch(/^order_refused: /);
  expect(await page('proposals', ProposalsSchema)).toEqual({ proposals: [] });
});

test('what the mesh has given out, and its parameters, are on a page', async () => {
  const { emitted, supply, parameters, log, mode, uptimePerHour } = await page('credits', CreditsSchema);
  // Besides, newcomers have their allowances.
  const allowance = parameters.find(({ name }) => name === 'allowance')!.value;
  expect({ left: emitted % allowance, mode, uptimePerHour }).toEqual({
    ...{ left: 4 * FUNDED, mode: 'priority', uptimePerHour: FUNDED },
  });
  expect(supply).toBeGreaterThan(emitted);
  expect(parameters.find(({ name }) => name === 'slash')).toMatchObject({ value: 100, min: 10, max: 500, step: 50 });
  expect(log.final).toBeLessThanOrEqual(log.size);
  expect(log.origin).not.toBe('');
});

test('what is asked for in a wrong way is refused in words', async () => {
  for (const [path, status] of [
    ['account', 400],
    ['account?peer=me', 400],
    ['account?peer=a&peer=b', 400],
    [`postings?peer=${ann.peerId}&before=-1`, 400],
    [`postings?peer=${ann.peerId}&before=1e99`, 400],
    ['receipt?lease=x', 400],
    [`receipt?lease=${toBase32(new Uint8Array(16))}`, 404],
  ] as const) {
    const response = await fetch(`http://127.0.0.1:${plane.port}/api/${path}`);
    expect([path, response.status]).toEqual([path, status]);
    expect(((await response.json()) as { error: { message: string } }).error.message).toMatch(/\.$/);
  }
});

test('a mesh without credits says so, and tells nobody of an account', async () => {
  const off = await start({ credits: 'off' });
  const { peer, order } = await comes(newIdentity(), off);
  expect(await order({ kind: 'stake', amount: 1 })).toBe('unsupported: This mesh has no credits.');
  peer.send({ type: 'order', requestId: 9, order: 'a' });
  const first = await peer.next('anything', (one) => one?.type === 'account' || one?.type === 'refused');
  expect(first?.type).toBe('refused');
  const response = await fetch(`http://127.0.0.1:${off.port}/api/credits`);
  expect([response.status, await response.json()]).toMatchObject([404, { error: { code: 'unsupported' } }]);
  await off.close();
});
