import { afterEach, describe, expect, it } from 'vitest';
import { MeshError } from '../base/errors.ts';
import type { ModelId, PeerId } from '../base/ids.ts';
import { costOf, PLAIN } from '../policy/price.ts';
import { consume, never, question, World } from '../testing/mesh-world.ts';
import { advert } from '../testing/scripted-server.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';
import type { Offer } from '../wire/model-advert.ts';
import { billOf, quoteFor, type Bill, type Owed } from './bill.ts';

const provider = 'p'.repeat(32) as PeerId;

function owed(hold: string, units: number, price: number, held: number): Owed {
  return { provider, leaseId: `lease ${hold}`, hold, units, price, held };
}

describe('a bill', () => {
  it('adds up what each provider delivered, at the price of its own lease', () => {
    expect(billOf([owed('a', 100, 1_000, 5_000), owed('b', 50, 2_000, 5_000)])).toEqual({
      units: 150,
      price: 2_000,
      cost: 200,
      charges: [
        { provider, leaseId: 'lease a', units: 100, price: 1_000 },
        { provider, leaseId: 'lease b', units: 50, price: 2_000 },
      ],
    });
    expect(billOf([])).toEqual({ units: 0, price: 0, cost: 0, charges: [] });
  });

  it('is never more than what is held, however many wrote under one hold', () => {
    expect(billOf([owed('a', 900, 1_000, 1_000), owed('a', 900, 1_000, 1_000)]).cost).toBe(1_000);
    expect(billOf([owed('a', 900, 0, 0), owed('b', 900, 1_000, 1_000)]).cost).toBe(900);
  });
});

describe('a quote', () => {
  const model = 'm' as ModelId;
  const sums = { providers: 1, slots: 1, busySlots: 0, queued: 0, tokensPerSecond: null };
  const offer: Offer = { ...sums, id: model, name: 'M', quant: 'q4', format: 'gguf', contextTokens: 4_096, price: 250 };
  const asked = { task: 'chat', model, complexity: PLAIN, maxUnits: 4_000 };

  it('is what the most units cost at the price that the mesh shows', () => {
    expect(quoteFor([offer], asked)).toEqual({ price: 250, most: 1_000 });
    expect(quoteFor([offer], { ...asked, complexity: 3_000 })).toEqual({ price: 750, most: 3_000 });
    expect(quoteFor([{ ...offer, price: undefined }], asked)).toEqual({ price: 0, most: 0 });
  });

  it('is for the file that is meant, and for none that nobody offers', () => {
    const other = { ...offer, price: 9, sha256: 'a'.repeat(64), alternative: true };
    expect(quoteFor([other, offer], asked)?.price).toBe(250);
    expect(quoteFor([offer, other], { ...asked, sha256: 'a'.repeat(64) })?.price).toBe(9);
    expect(quoteFor([other], asked)).toBeNull();
    expect(quoteFor([offer], { ...asked, task: 'embedding' })).toBeNull();
  });
});

describe('an answer, over memory links, with a scripted server,', () => {
  const WORDS = Array.from({ length: 40 }, (_, i) => `w${i} `);
  const world = { current: new World() };
  afterEach(async () => {
    await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
    world.current = new World();
  });

  async function setUp(providers: number) {
    const w = world.current;
    w.server.price = 250_000;
    const engines = Array.from({ length: providers }, () => new ScriptedEngine(WORDS));
    for (const engine of engines) await w.provide(engine, 1, 20, { ...advert, sha256: 'a'.repeat(64) });
    return { w, engines, user: await w.join() };
  }

  it('says what it cost, and under which lease', async () => {
    const { w, user } = await setUp(1);
    const bills: Bill[] = [];
    const outcome = consume(user.ask({ ...question(), onBill: (bill) => bills.push(bill) }, never));
    await w.clock.advance(5_000);
    const { bill, provider } = outcome.events.flatMap((event) => (event.type === 'done' ? [event.summary] : []))[0]!;
    expect(bill).toMatchObject({ units: 40, price: 250_000, cost: 10_000 });
    expect(bill.charges).toEqual([expect.objectContaining({ provider, units: 40, price: 250_000 })]);
    expect(bills).toEqual([bill]);
  });

  it('that was handed on owes each provider what that wrote', async () => {
    const { w, engines, user } = await setUp(2);
    engines[0]!.failAfter = { words: 12, error: new MeshError('device_lost', 'The graphics card is gone.') };
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(5_000);
    const [bill] = outcome.events.flatMap((event) => (event.type === 'done' ? [event.summary.bill] : []));
    expect(bill?.charges.map(({ units }) => units)).toEqual([12, 28]);
    expect(new Set(bill?.charges.map(({ leaseId }) => leaseId)).size).toBe(2);
    expect(bill?.cost).toBe(costOf(12, 250_000) + costOf(28, 250_000));
  });

  it('is billed for what came when it is stopped', async () => {
    const { w, user } = await setUp(1);
    const bills: Bill[] = [];
    const stop = new AbortController();
    consume(user.ask({ ...question(), onBill: (bill) => bills.push(bill) }, stop.signal));
    await w.clock.advance(1_010);
    stop.abort();
    await w.clock.advance(10);
    const units = bills[0]?.units ?? 0;
    expect(units).toBeGreaterThan(0);
    expect(bills).toMatchObject([{ cost: costOf(units, 250_000) }]);
  });

  it('is asked of nobody when its lease costs more than was shown', async () => {
    const { w, engines, user } = await setUp(1);
    const outcome = consume(user.ask({ ...question(), maxPrice: 249_999 }, never));
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ text: '', error: { code: 'price_changed' } });
    expect(engines[0]!.computing).toBe(0);
    expect(outcome.events.some(({ type }) => type === 'provider')).toBe(false);
  });
});
