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
    const adverts = models.map((id) => ({ ...advertised(id), name, quant: name.slice(0, 24) }));
    registry.advert(registry.join(newPeerId(), 'native'), { models: adverts, slots: 1, certificate: null });
  };
  for (let i = 0; i < 200; i++) lend(Array.from({ length: 16 }, (_, n) => `${'a'.repeat(80)}-${i}-${n}` as ModelId));
  for (let i = 0; i < 2; i++) lend([TINY]);
  const offers = registry.offers();
  expect(offers.models.length).toBe(MAX_OFFERS);
  expect(offers.models.find(({ id }) => id === TINY)).toMatchObject({ providers: 2 });
  expect(Buffer.byteLength(JSON.stringify(offers))).toBeLessThan(MAX_MESSAGE_BYTES);
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
