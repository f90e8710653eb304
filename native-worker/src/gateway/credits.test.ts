/** What answers cost, as programs see it: real requester and worker on a memory mesh; scripted engines and server. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import { ScriptedEngine } from '@llmesh/core/testing/scripted-engine';
import { faults } from './testing/conformance.ts';
import { eventsOf, GatewayWorld } from './testing/gateway-world.ts';

const words = ['one ', 'two ', 'three ', 'four '];
const CREDIT = 1_000_000;
const account: AccountNews = {
  ...{ type: 'account', mode: 'required', free: 3 * CREDIT, allowance: CREDIT / 2, held: 7 },
  ...{ pending: CREDIT, stake: 0, unbonding: 0 },
};
let gateway = new GatewayWorld();
let engine = new ScriptedEngine(words);
beforeEach(async () => {
  gateway = new GatewayWorld();
  engine = new ScriptedEngine(words);
  gateway.world.server.price = CREDIT / 4;
  await gateway.world.provide(engine, 1, 10);
  await gateway.open();
});
afterEach(() => gateway.close());

const json = ({ text }: { text: string }) => JSON.parse(text);

describe('what an answer cost', () => {
  it('stands in its headers, and with each choice', async () => {
    const answered = await gateway.whole(gateway.chat({ n: 2 }));
    expect(Object.fromEntries(answered.headers)).toMatchObject({ 'x-llmesh-cost': '0.002', 'x-llmesh-price': '0.25' });
    expect(faults('ChatCompletion', json(answered))).toEqual([]);
    for (const { llmesh } of json(answered).choices) expect(llmesh).toMatchObject({ cost: 0.001, price: 0.25 });
  });

  it('stands in the last chunk of a stream, whose headers say what it costs at most', async () => {
    const { headers, text } = await gateway.whole(gateway.chat({ stream: true }));
    expect([headers.get('x-llmesh-price'), headers.get('x-llmesh-cost')]).toEqual(['0.25', null]);
    expect(eventsOf(text).at(-2)).toMatchObject({ choices: [{ llmesh: { cost: 0.001, price: 0.25 } }] });
  });

  it('is for what was written where a stop ended it', async () => {
    const answered = await gateway.whole(gateway.chat({ stop: ['two'] }));
    expect(answered.headers.get('x-llmesh-cost')).toBe('0.0005');
    expect(json(answered).choices[0].llmesh).toMatchObject({ cost: 0.0005 });
  });

  it('is nothing where nothing is asked', async () => {
    const models = await gateway.whole(gateway.fetch('/v1/models'));
    expect(models.headers.get('x-llmesh-cost')).toBeNull();
    expect(json(models).data[0].llmesh.price).toBe(0.25);
  });
});

describe('a dry run', () => {
  it.each<[string, object, Record<string, string>]>([
    ['in the body', { dry_run: true }, {}],
    ['in a header', {}, { 'x-llmesh-dry-run': 'true' }],
  ])('says what a request would cost, and asks nobody: %s', async (_, body, headers) => {
    gateway.world.server.say(gateway.self as never, account);
    const said = await gateway.whole(gateway.chat({ max_tokens: 1_000, n: 2, stream: true, ...body }, { headers }));
    expect(json(said)).toEqual({
      ...{ object: 'llmesh.quote', model: 'm', mode: 'required', price: 0.25, units: 2_000, cost: 0.5 },
      ...{ balance: 2.5, shortfall: 0 },
    });
    expect(said.headers.get('x-llmesh-cost')).toBeNull();
    expect(gateway.world.server.received).not.toContain('match');
  });

  it('is for as much as the context holds where no length is given, and refuses what the request would be refused for', async () => {
    expect(json(await gateway.whole(gateway.chat({ dry_run: true })))).toMatchObject({ units: 2_048, cost: 0.512 });
    expect((await gateway.whole(gateway.chat({ dry_run: 'yes' }))).status).toBe(400);
    expect((await gateway.whole(gateway.chat({ dry_run: true, model: 'none' }))).status).toBe(404);
    expect((await gateway.whole(gateway.chat({ dry_run: true, max_tokens: 0 }))).status).toBe(400);
  });

  it('is there for the other APIs, too', async () => {
    const asked = { dry_run: true, max_tokens: 1_000, messages: [{ role: 'user', content: 'why?' }] };
    expect(json(await gateway.whole(gateway.post('/v1/messages', asked)))).toMatchObject({ cost: 0.25 });
    const response = { dry_run: true, max_output_tokens: 1_000, input: 'why?' };
    expect(json(await gateway.whole(gateway.post('/v1/responses', response)))).toMatchObject({ cost: 0.25 });
    expect(
      json(await gateway.whole(gateway.complete({ dry_run: true, max_tokens: 1_000, prompt: 'why' }))),
    ).toMatchObject({ cost: 0.25 });
  });
});

describe('credits', () => {
  it('that there are, are told', async () => {
    expect(json(await gateway.whole(gateway.fetch('/v1/llmesh/balance')))).toEqual({
      ...{ object: 'llmesh.balance', mode: 'off' },
    });
    gateway.world.server.say(gateway.self as never, account);
    expect(json(await gateway.whole(gateway.fetch('/v1/llmesh/balance')))).toEqual({
      ...{ object: 'llmesh.balance', mode: 'required', spendable: 2.5, free: 3, allowance: 0.5 },
      ...{ held: 0.000007, pending: 1, stake: 0, unbonding: 0 },
    });
  });

  it.each([['/v1/chat/completions'], ['/v1/messages']])(
    'that are missing are named, with price and balance: %s',
    async (path) => {
      gateway.world.server.say(gateway.self as never, { ...account, free: CREDIT, allowance: 1 });
      gateway.world.server.matchRefusal = { code: 'credits_short', message: 'This answer costs up to 0.25 credits.' };
      const asked = { max_tokens: 1_000, messages: [{ role: 'user', content: 'why?' }] };
      const refused = await gateway.whole(gateway.post(path, asked));
      expect(refused.status).toBe(402);
      expect(json(refused).error).toMatchObject({
        message: 'This answer costs up to 0.25 credits.',
        llmesh: { price: 0.25, cost: 0.25, balance: 0.000001, shortfall: 0.249999 },
      });
    },
  );
});
