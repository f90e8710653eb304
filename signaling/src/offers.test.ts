import { expect, test } from 'vitest';
import { newPeerId, type ModelId } from '@llmesh/core/ids';
import { ManualClock } from '@llmesh/core/manual-clock';
import { MAX_MESSAGE_BYTES } from '@llmesh/core/fields';
import { MAX_OFFERS } from './offers.ts';
import { Registry } from './registry.ts';
import { advertised, TINY } from './testing/clients.ts';

test('who invents models without end does not crowd out what others lend, nor make the list too long to send', () => {
  const registry = new Registry(new ManualClock());
  const lend = (models: ModelId[]) => {
    const name = '\u{1F980}'.repeat(40);
    const adapters = Array.from({ length: 16 }, (_, n) => ({ sha256: n.toString(16).repeat(64), name }));
    const adverts = models.map((id) => ({ ...advertised(id), name, quant: name.slice(0, 24), adapters }));
    registry.advert(registry.join(newPeerId(), 'native'), { models: adverts, slots: 1, certificate: null });
  };
  for (let i = 0; i < 200; i++) lend(Array.from({ length: 16 }, (_, n) => `${'a'.repeat(80)}-${i}-${n}` as ModelId));
  for (let i = 0; i < 2; i++) lend([TINY]);
  const offers = registry.offers();
  expect(offers.models.length).toBe(MAX_OFFERS);
  expect(offers.models.find(({ id }) => id === TINY)).toMatchObject({ providers: 2 });
  expect(offers.models.every(({ adapters, moreAdapters }) => adapters?.length === 16 || moreAdapters)).toBe(true);
  expect(Buffer.byteLength(JSON.stringify(offers))).toBeLessThan(MAX_MESSAGE_BYTES);
});

test('the adapters of a model are those of all its providers', () => {
  const registry = new Registry(new ManualClock());
  const adapter = (digit: string) => ({ sha256: digit.repeat(64), name: digit });
  const [law, law2, code] = [adapter('a'), adapter('b'), adapter('c')];
  const lend = (adapters: { sha256: string; name: string }[]) =>
    registry.advert(registry.join(newPeerId(), 'native'), {
      ...{ slots: 1, certificate: null },
      models: [{ ...advertised(TINY), adapters }],
    });
  lend([]);
  expect(registry.offers().models[0]).not.toHaveProperty('adapters');
  lend([code, law]);
  lend([law2, law]);
  expect(registry.offers().models).toMatchObject([{ providers: 3, adapters: [law, law2, code] }]);
  expect(registry.offers().models[0]).not.toHaveProperty('moreAdapters');
  // Those that the fewest have are left out.
  lend(Array.from({ length: 16 }, (_, n) => ({ sha256: n.toString(16).padStart(64, '0'), name: 'one' })));
  const offer = registry.offers().models.find(({ id }) => id === TINY);
  expect(offer).toMatchObject({ moreAdapters: true, adapters: { length: 16 } });
  expect(offer?.adapters).toContainEqual(law);
});

test('of a model whose providers fetch adapters there are more than are listed', () => {
  const registry = new Registry(new ManualClock());
  const models = [{ ...advertised(TINY), fetchesAdapters: true }];
  registry.advert(registry.join(newPeerId(), 'native'), { slots: 1, certificate: null, models });
  expect(registry.offers().models).toMatchObject([{ id: TINY, moreAdapters: true }]);
});

test('a model that embeds is offered as one', () => {
  const registry = new Registry(new ManualClock());
  const models = [advertised(), { ...advertised('bge' as ModelId), embeds: 384 }];
  registry.advert(registry.join(newPeerId(), 'native'), { models, slots: 1, certificate: null });
  const embeds = registry.offers().models.map((offer) => [offer.id, offer.embeds]);
  expect(embeds).toEqual([
    ['bge', 384],
    [TINY, undefined],
  ]);
});
