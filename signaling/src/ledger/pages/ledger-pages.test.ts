import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { toBase32 } from '@llmesh/core/base/base32';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Identity } from '@llmesh/core/identity/identity';
import { DAY_MS } from '@llmesh/core/ledger/keys';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import {
  AccountPageSchema,
  CreditsSchema,
  MAX_POSTINGS,
  PostingsPageSchema,
  ReceiptPageSchema,
  type PostingView,
} from '@llmesh/core/wire/credit-pages';
import { LedgerWorld, someone } from '../../testing/ledgers.ts';
import { LedgerPages } from './ledger-pages.ts';

const FUNDED = PARAMETERS['uptime-cap'].initial;
const LAST = Number.MAX_SAFE_INTEGER;
let world: LedgerWorld;
let pages: LedgerPages;
let [payer, provider]: [Identity, Identity] = [someone(), someone()];

/** `final`: whatever is written is final at once. */
async function open(final = true): Promise<void> {
  world = new LedgerWorld();
  const ledger = await world.open({}, final);
  pages = new LedgerPages({ ledger, issuer: world.control.peerId, origin: 'mesh.example/log', now: world.now });
}

beforeEach(async () => {
  [payer, provider] = [someone(), someone()];
  await open();
});
afterEach(async () => {
  await world.close();
  expect(world.failures).toEqual([]);
});

/** An answer of 100 units for 1,000 micro-credits, of which 40 are acknowledged first. */
async function paidAnswer() {
  const { hold, nonce, whole, part, expiresAt } = await world.papers(payer, provider, { price: 10_000 });
  expect(await world.until(world.ledger.reserve(hold, payer.peerId, 2_000, expiresAt + 900))).toBe(true);
  await world.file(await part(40), provider.peerId);
  await world.file(whole, provider.peerId);
  return toBase32(nonce);
}

describe('the pages of the ledger', () => {
  it('say of a delivery what was paid, by which proof, and where it went', async () => {
    await world.fund(payer);
    const lease = await paidAnswer();
    expect(v.parse(ReceiptPageSchema, await pages.receipt(lease))).toMatchObject({
      ...{
        requester: payer.peerId,
        provider: provider.peerId,
        task: 'chat',
        units: 100,
        price: 10_000,
        priceVersion: 1,
      },
      ...{ paid: 1_000, toProvider: 700, toAuditors: 200, toTreasury: 100, taskReward: 50 },
      ...{ kind: 'receipt', final: true },
    });
    const free = await world.papers(someone(), provider);
    await world.file(free.whole, provider.peerId);
    expect(await pages.receipt(toBase32(free.nonce))).toMatchObject({ paid: 0, toProvider: 0, units: 100 });
    expect(await pages.receipt(toBase32(new Uint8Array(16)))).toBeNull();
    expect(await pages.receipt('x')).toBeNull();
  });

  it('say of an account what it earned today, and tomorrow nothing of it', async () => {
    await world.fund(payer);
    await paidAnswer();
    expect(v.parse(AccountPageSchema, await pages.account(provider.peerId))).toMatchObject({
      account: { free: 750, held: 0, pending: 0 },
      ...{ today: { tasks: 750, uptime: 0, audits: 0 }, earned: 750, alias: null, weight: 0 },
    });
    expect((await pages.account(payer.peerId)).account).toMatchObject({ free: FUNDED - 1_000, held: 0 });
    const { ledger, control } = world;
    const tomorrow = new LedgerPages({
      ...{ ledger, issuer: control.peerId, origin: '', now: () => world.now() + DAY_MS },
    });
    expect((await tomorrow.account(provider.peerId)).today).toEqual({ tasks: 0, uptime: 0, audits: 0 });
    expect(await pages.account(someone().peerId)).toMatchObject({ account: { free: 0 }, earned: 0 });
  });

  it('tell each posting once, page by page, with its reason, its receipt and the other peer', async () => {
    await world.fund(payer);
    const leases: string[] = [];
    for (let i = 0; i < 20; i++) leases.push(await paidAnswer());
    const told: PostingView[] = [];
    let before = LAST;
    for (let page = 0; page < 3; page++) {
      const { postings, next } = v.parse(PostingsPageSchema, await pages.postings(payer.peerId, before));
      expect(postings.length).toBeLessThanOrEqual(MAX_POSTINGS);
      told.push(...postings);
      if (next === undefined) break;
      before = next;
    }
    expect(told.length).toBeGreaterThan(MAX_POSTINGS);
    expect(told.map(({ index }) => index)).toEqual(told.map(({ index }) => index).toSorted((a, b) => b - a));
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(told.length);
    const sum = (account: string) =>
      told.filter((one) => one.account === account).reduce((all, { amount }) => all + amount, 0);
    const { free, held } = world.ledger.account(payer.peerId);
    expect([sum('free'), sum('held')]).toEqual([free, held]);
    const paid = told.filter(({ reason }) => reason === 'paid');
    expect(new Set(paid.map(({ lease }) => lease))).toEqual(new Set(leases));
    expect(paid.every(({ other, model, final }) => other === provider.peerId && model === 'm' && final)).toBe(true);
  });

  it('tell what happened long ago as before, when the tables have forgotten it', async () => {
    const LIMITS = { leaves: 10, entries: 20 };
    await world.close();
    world = new LedgerWorld();
    const ledger = await world.open({ limits: LIMITS });
    pages = new LedgerPages({ ledger, issuer: world.control.peerId, origin: 'mesh.example/log', now: world.now });
    await world.fund(payer);
    const lease = await paidAnswer();
    const untilS = Math.ceil(world.now() / 1_000) + 900;
    const holds = Array.from({ length: 600 }, () => ({ kind: 'reserve', hold: randomBytes(16), amount: 1 }) as const);
    await world.until(Promise.all(holds.map((hold) => ledger.append({ ...hold, payer: payer.peerId, untilS }))));
    const whole = async () => {
      const told: PostingView[] = [];
      for (let before: number | undefined = LAST; before !== undefined;) {
        const page: { postings: PostingView[]; next?: number } = await pages.postings(payer.peerId, before);
        told.push(...page.postings);
        before = page.next;
      }
      return told;
    };
    const [told, receipt] = [await whole(), await pages.receipt(lease)];
    expect((await ledger.store.oldest()).entry).toBe(0);
    await world.clock.advance(60_000);
    await expect.poll(async () => (await ledger.store.oldest()).entry).toBeGreaterThan(500);
    expect(await whole()).toEqual(told);
    expect(await pages.receipt(lease)).toEqual(receipt);
    const { postings, next } = await pages.postings(payer.peerId, 300);
    expect(postings).toEqual(told.filter(({ index }) => index < 300 && index >= next!));
  });

  it('say what is not final, and for how long it has waited', async () => {
    await world.close();
    await open(false);
    await world.fund(payer);
    await world.clock.advance(2_000);
    const { log, emitted } = v.parse(CreditsSchema, await pages.credits());
    expect(log).toMatchObject({ origin: 'mesh.example/log', final: 0 });
    expect(log.size).toBeGreaterThan(0);
    expect(log.lagMs).toBeGreaterThanOrEqual(2_000);
    expect(emitted).toBe(FUNDED);
    expect((await pages.postings(payer.peerId, LAST)).postings[0]).toMatchObject({ reason: 'uptime', final: false });
    world.ledger.finalTo(world.ledger.size);
    expect((await pages.credits()).log.lagMs).toBe(0);
  });
});
