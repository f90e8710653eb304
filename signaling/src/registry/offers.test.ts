import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Catalogue, GgufModel } from '@llmesh/core/policy/catalogue';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MAX_MESSAGE_BYTES } from '@llmesh/core/wire/fields';
import {
  ABILITIES,
  MAX_CONTEXT_TOKENS,
  MIN_CONTEXT_TOKENS,
  type Ability,
  type ModelAdvert,
} from '@llmesh/core/wire/model-advert';
import { MAX_OFFERS, MAX_OFFERS_PER_ID } from './offers.ts';
import { EMPTY_BOOKS } from './offer-ranks.ts';
import { Registry } from './registry.ts';
import { advertised, TINY } from '../testing/clients.ts';
import type { RegisteredPeer } from './registered-peer.ts';

test('who invents models without end does not crowd out what others lend, nor make the list too long to send', () => {
  const registry = new Registry(new ManualClock());
  const lend = (models: ModelId[]) => {
    const name = '\u{1F980}'.repeat(40);
    const adapters = Array.from({ length: 16 }, (_, n) => ({ sha256: n.toString(16).repeat(64), name }));
    const takesAdapters = { architecture: 'a'.repeat(48), width: 1_048_576, layers: 65_536 };
    const more = { name, quant: name.slice(0, 24), adapters, takesAdapters, abilities: [...ABILITIES] };
    const adverts = models.map((id) => ({ ...advertised(id), ...more }));
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
      slots: 1,
      certificate: null,
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

test('a model can do what any of its providers says it can, in a stable order', () => {
  const registry = new Registry(new ManualClock());
  const lend = (abilities: Ability[] | undefined) =>
    registry.advert(registry.join(newPeerId(), 'native'), {
      slots: 1,
      certificate: null,
      models: [{ ...advertised(TINY), abilities }],
    });
  lend(undefined);
  lend([]);
  expect(registry.offers().models[0]).not.toHaveProperty('abilities');
  lend(['tools', 'logprobs']);
  lend(['schema', 'tools']);
  expect(registry.offers().models).toMatchObject([{ providers: 4, abilities: ['schema', 'logprobs', 'tools'] }]);
});

test('of a model whose providers fetch adapters there are more than are listed', () => {
  const registry = new Registry(new ManualClock());
  const models = [{ ...advertised(TINY), fetchesAdapters: true }];
  registry.advert(registry.join(newPeerId(), 'native'), { slots: 1, certificate: null, models });
  expect(registry.offers().models).toMatchObject([{ id: TINY, moreAdapters: true }]);
});

test('a model that embeds is offered as one', () => {
  const registry = new Registry(new ManualClock());
  const models = [advertised(), { ...advertised('bge' as ModelId), task: 'embedding', embeds: 384 }];
  registry.advert(registry.join(newPeerId(), 'native'), { models, slots: 1, certificate: null });
  const embeds = registry.offers().models.map((offer) => [offer.id, offer.embeds]);
  expect(embeds).toEqual([
    ['bge', 384],
    [TINY, undefined],
  ]);
});

const [OURS, THEIRS, CATALOGUED] = ['aa', 'bb', 'cc'].map((byte) => byte.repeat(32)) as [string, string, string];
const CATALOGUE: Catalogue = {
  models: [
    {
      id: TINY,
      format: 'gguf',
      name: 'LLMesh tiny',
      quant: 'q8',
      summary: '',
      parameters: 1,
      sizeBytes: 1,
      memoryBytes: 1,
      contextTokens: 2_048,
      licence: '',
      page: 'https://example.org',
      source: '/tiny.gguf',
      sha256: CATALOGUED,
    } satisfies GgufModel,
  ],
};

function mesh(catalogue: Catalogue = { models: [] }) {
  const clock = new ManualClock();
  const registry = new Registry(clock, catalogue);
  const records = new Map<string, number>();
  const peers: RegisteredPeer[] = [];
  registry.ranks.books = { ...EMPTY_BOOKS, record: (peer) => records.get(peer) ?? 0 };
  const lend = (more: Partial<ModelAdvert> = {}, { slots = 1, record = 0, network = String(newPeerId()) } = {}) => {
    const peer = registry.join(newPeerId(), 'native', network);
    peers.push(peer);
    records.set(peer.peerId, record);
    registry.advert(peer, { models: [{ ...advertised(), sha256: OURS, ...more }], slots, certificate: null });
    return peer;
  };
  /** Time goes by, and nobody falls silent. */
  const pass = (ms: number) => {
    clock.turn(ms);
    for (const peer of peers) registry.heard(peer);
  };
  const offers = () => registry.offers().models;
  const usual = () => offers().find(({ alternative }) => alternative !== true);
  return { clock, registry, records, lend, pass, offers, usual };
}

describe('which of several files the id alone means', () => {
  test('that of the catalogue, whoever else is here, and it is called as it is there', () => {
    const { lend, offers } = mesh(CATALOGUE);
    for (let i = 0; i < 5; i++) lend({ sha256: THEIRS, name: 'LLMesh tiny' }, { record: 50 });
    lend({ sha256: CATALOGUED, name: 'PWNED', quant: 'f64' });
    lend({ sha256: null, name: 'LLMesh tiny' });
    expect(offers()).toMatchObject([
      { sha256: CATALOGUED, name: 'LLMesh tiny', quant: 'q8', catalogued: true },
      { sha256: null, alternative: true },
      { sha256: THEIRS, alternative: true, proven: true },
    ]);
    expect(offers()[0]).not.toHaveProperty('alternative');
    expect(offers()[2]).not.toHaveProperty('catalogued');
  });

  test('else that of which there are receipts, though others are many and were here first', () => {
    const { lend, pass, usual } = mesh();
    for (let i = 0; i < 5; i++) lend({ sha256: THEIRS });
    pass(3_600_000);
    lend({}, { record: 1 });
    pass(1_000);
    expect(usual()).toMatchObject({ sha256: OURS, providers: 1, proven: true });
  });

  test('else what most networks lend, and many of one network are one', () => {
    const { lend, usual } = mesh();
    for (let i = 0; i < 20; i++) lend({ sha256: THEIRS }, { network: '203.0.113.7', slots: 64 });
    lend();
    lend();
    expect(usual()).toMatchObject({ sha256: OURS });
  });

  test('else what has stood longer, and whoever comes back after a restart is no newcomer', () => {
    const { registry, lend, pass, usual } = mesh();
    const honest = lend();
    pass(600_000);
    lend({ sha256: THEIRS });
    pass(60_000);
    expect(usual()).toMatchObject({ sha256: OURS });
    registry.leave(honest);
    expect(usual()).toMatchObject({ sha256: THEIRS });
    const again = registry.join(honest.peerId, 'native');
    registry.advert(again, { models: [{ ...advertised(), sha256: OURS }], slots: 1, certificate: null });
    pass(1_000);
    expect(usual()).toMatchObject({ sha256: OURS });
  });

  test('for chatting and for vectors each of its own', () => {
    const { lend, pass, offers } = mesh();
    lend({ task: 'embedding', embeds: 64 });
    pass(60_000);
    lend();
    expect(offers()).toMatchObject([{ sha256: OURS }, { sha256: OURS }]);
    expect(offers().some(({ alternative }) => alternative)).toBe(false);
    expect(offers().filter(({ embeds }) => embeds === undefined)).toMatchObject([{ providers: 1 }]);
  });

  test('who invents files without end fills neither the list nor the place of the one that is meant', () => {
    const { lend, pass, offers } = mesh();
    lend();
    pass(1_000);
    for (let i = 0; i < 300; i++) lend({ sha256: i.toString(16).padStart(64, '0') });
    expect(offers().length).toBe(MAX_OFFERS_PER_ID);
    expect(offers()[0]).toMatchObject({ sha256: OURS });
  });
});

describe('what is said of an offer', () => {
  const lie = fc.record({
    name: fc.constantFrom('Tiny', 'PWNED'),
    quant: fc.constantFrom('q8', 'f64'),
    contextTokens: fc.integer({ min: MIN_CONTEXT_TOKENS, max: MAX_CONTEXT_TOKENS }),
    tokensPerSecond: fc.option(fc.double({ min: 0, max: 100_000, noNaN: true })),
    sha256: fc.constantFrom(OURS, THEIRS, null),
    format: fc.constantFrom<'gguf' | 'mlc'>('gguf', 'mlc'),
  });
  const facts = ({ usual }: ReturnType<typeof mesh>) => {
    const { name, quant, format, contextTokens, tokensPerSecond, sha256, embeds } = usual()!;
    return { name, quant, format, contextTokens, tokensPerSecond, sha256, embeds };
  };

  test('does not turn with the words of fewer networks than agree, whatever they are, however many identities have them', () => {
    const embeds = fc.constantFrom({}, { task: 'embedding', embeds: 1 }, { task: 'embedding', embeds: 384 });
    const liars = fc.array(fc.tuple(lie, embeds, fc.nat(1), fc.integer({ min: 1, max: 64 })), { maxLength: 8 });
    fc.assert(
      fc.property(liars, fc.boolean(), (lies, first) => {
        const one = mesh();
        const honest = () => {
          for (let i = 0; i < 3; i++) one.lend({ tokensPerSecond: 50 });
        };
        if (!first) honest();
        for (const [more, kind, network, slots] of lies) {
          one.lend({ ...more, ...kind }, { slots, network: `203.0.113.${network}` });
        }
        if (first) honest();
        const usual = one.offers().find((offer) => offer.alternative !== true && offer.embeds === undefined);
        expect(usual).toMatchObject({ name: 'Tiny', quant: 'q8', format: 'gguf', contextTokens: 2_048, sha256: OURS });
        expect(usual?.tokensPerSecond).toBe(50);
      }),
      { numRuns: 60 },
    );
  });

  test('of one against one is what the one with receipts says, or else the one who has been here longer', () => {
    fc.assert(
      fc.property(lie, fc.boolean(), (more, byRecord) => {
        const one = mesh();
        if (!byRecord) one.lend({ tokensPerSecond: 50 });
        one.pass(10_000);
        one.lend({ ...more, sha256: OURS });
        one.pass(10_000);
        if (byRecord) one.lend({ tokensPerSecond: 50 }, { record: 2 });
        one.pass(1_000);
        expect(facts(one)).toMatchObject({ name: 'Tiny', quant: 'q8', contextTokens: 2_048, tokensPerSecond: 50 });
      }),
      { numRuns: 40 },
    );
  });

  test('of providers that differ lies between what they say, whatever one liar adds', () => {
    const contexts = fc.array(fc.integer({ min: 512, max: 131_072 }), { minLength: 2, maxLength: 9 });
    fc.assert(
      fc.property(contexts, lie, (honest, more) => {
        const one = mesh();
        for (const contextTokens of honest) one.lend({ contextTokens });
        one.pass(1_000);
        one.lend({ ...more, sha256: OURS });
        const { contextTokens } = one.usual()!;
        expect(contextTokens).toBeGreaterThanOrEqual(Math.min(...honest));
        expect(contextTokens).toBeLessThanOrEqual(Math.max(...honest));
      }),
      { numRuns: 60 },
    );
  });

  test('adapters are taken for such a model as most of those say who take any', () => {
    const { lend, offers } = mesh();
    const takesAdapters = { architecture: 'llama', width: 256, layers: 4 };
    lend();
    expect(offers()[0]).not.toHaveProperty('takesAdapters');
    lend({ takesAdapters: { ...takesAdapters, width: 1 } });
    lend({ takesAdapters });
    lend({ takesAdapters });
    expect(offers()).toMatchObject([{ providers: 4, takesAdapters }]);
  });

  test('an adapter is called as most of its lenders call it', () => {
    const { lend, offers } = mesh();
    const adapter = (name: string) => ({ adapters: [{ sha256: THEIRS, name }] });
    lend(adapter('PWNED'));
    lend(adapter('Law'));
    lend(adapter('Law'));
    expect(offers()).toMatchObject([{ adapters: [{ sha256: THEIRS, name: 'Law' }] }]);
  });
});

test('slots count for a choice as far as somebody has delivered, and claims of a line are cut', () => {
  const { registry, lend, offers } = mesh();
  const stranger = lend({}, { slots: 64 });
  expect(offers()).toMatchObject([{ slots: 64, freeSlots: 1 }]);
  registry.heartbeat(stranger, { type: 'heartbeat', busySlots: 0, queued: 65_536, units: 0 });
  lend({}, { slots: 64, record: 3 });
  lend({}, { slots: 64, record: 1_000 });
  lend({}, { slots: 2, record: 1_000 });
  expect(offers()).toMatchObject([{ slots: 194, queued: 256, freeSlots: 0 + 4 + 8 + 2, proven: true }]);
});
