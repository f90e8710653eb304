import { describe, expect, test } from 'vitest';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { GONE_MS, QUIET_MS, Registry } from './registry.ts';
import { advertised, TINY } from '../testing/clients.ts';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import type { RegisteredPeer } from './registered-peer.ts';

const BEAT = { type: 'heartbeat', busySlots: 0, queued: 0, units: 0 } as const;
const OTHER = 'other-model' as ModelId;

function found(registry: Registry, availability: 'free' | 'full', model: ModelId = TINY): RegisteredPeer[] {
  const peers: RegisteredPeer[] = [];
  registry.matchable(
    registry.meant({ model: model }),
    availability,
    () => 0,
    (peer) => {
      peers.push(peer);
      return false;
    },
  );
  return peers;
}

function setUp() {
  const clock = new ManualClock();
  const registry = new Registry(clock);
  const provider = (models = [advertised()], slots = 2) => {
    const peer = registry.join(newPeerId(), 'native');
    registry.advert(peer, { models, slots, certificate: null });
    return peer;
  };
  const matchable = (model: ModelId = TINY) => [...found(registry, 'free', model), ...found(registry, 'full', model)];
  return { clock, registry, provider, matchable };
}

describe('liveness', () => {
  test('a provider that falls silent is first not matched, then no provider, and is back when heard', () => {
    const { clock, registry, provider, matchable } = setUp();
    const peer = provider();
    clock.turn(QUIET_MS - 1);
    expect(matchable()).toEqual([peer]);
    clock.turn(1);
    expect(matchable()).toEqual([]);
    expect(registry.offers().providers).toBe(1);
    clock.turn(GONE_MS - QUIET_MS);
    expect(registry.offers()).toMatchObject({ peers: 0, providers: 0, models: [] });
    expect(registry.listed()).toEqual([]);
    registry.heard(peer);
    expect(matchable()).toEqual([peer]);
    expect(registry.offers().providers).toBe(1);
  });

  test('whoever was found silent is walked past no more, is present until it is gone, and says so when it is back', () => {
    const { clock, registry, provider, matchable } = setUp();
    const availability: unknown[] = [];
    const peer = provider();
    registry.onFreeSlot = (found) => availability.push(found);
    clock.turn(QUIET_MS);
    expect(registry.isHeard(peer)).toBe(false);
    expect(registry.present(registry.meant({ model: TINY }), 9, () => true)).toEqual([peer]);
    registry.heartbeat(peer, { ...BEAT, busySlots: 2 });
    registry.heartbeat(peer, BEAT);
    expect(matchable()).toEqual([]);
    expect(availability).toEqual([]);
    registry.heard(peer);
    expect(registry.isHeard(peer)).toBe(true);
    expect(availability).toEqual([peer]);
    clock.turn(GONE_MS);
    expect(registry.present(registry.meant({ model: TINY }), 9, () => true)).toEqual([]);
    registry.leave(peer);
    registry.heard(peer);
    expect(matchable()).toEqual([]);
    expect(availability).toEqual([peer]);
  });

  test('a peer that offers nothing need not say anything', () => {
    const { clock, registry } = setUp();
    registry.join(newPeerId(), 'browser');
    clock.turn(3_600_000);
    expect(registry.totals()).toMatchObject({ peers: 1, providers: 0 });
    expect(registry.summary(registry.listed()[0]!).sinceSeconds).toBe(3600);
  });

  test('leaving takes everything back', () => {
    const { registry, provider, matchable } = setUp();
    registry.leave(provider());
    expect(matchable()).toEqual([]);
    expect(registry.totals()).toMatchObject({ peers: 0, providers: 0, slots: 0 });
  });

  test('the end of an older connection does not remove the newer one', () => {
    const { registry, provider, matchable } = setUp();
    const old = provider();
    const fresh = registry.join(old.peerId, 'native');
    expect(matchable()).toEqual([]);
    registry.advert(fresh, { models: [advertised()], slots: 1, certificate: null });
    registry.leave(old);
    registry.advert(old, { models: [advertised(OTHER)], slots: 1, certificate: null });
    expect(matchable()).toEqual([fresh]);
    expect(matchable(OTHER)).toEqual([]);
  });
});

describe('adverts', () => {
  test('replace the one before', () => {
    const { registry, provider, matchable } = setUp();
    const peer = provider();
    registry.advert(peer, { models: [advertised(OTHER)], slots: 1, certificate: null });
    expect(matchable()).toEqual([]);
    expect(matchable(OTHER)).toEqual([peer]);
    registry.advert(peer, { models: [], slots: 1, certificate: null });
    expect(registry.totals()).toMatchObject({ peers: 1, providers: 0, slots: 0 });
  });

  test('without a slot offer nothing', () => {
    const { registry, provider, matchable } = setUp();
    provider([advertised()], 0);
    expect(matchable()).toEqual([]);
    expect(registry.offers()).toMatchObject({ peers: 1, providers: 0 });
  });

  test('that name a model twice count once', () => {
    const { registry, provider } = setUp();
    provider([advertised(), advertised(TINY, 7)]);
    expect(registry.offers().models).toMatchObject([{ id: TINY, providers: 1, tokensPerSecond: 7 }]);
  });
});

describe('heartbeats', () => {
  test('say how busy a provider is, never busier than it can be', () => {
    const { registry, provider } = setUp();
    registry.heartbeat(provider(), { ...BEAT, busySlots: 1000, queued: 3 });
    expect(registry.totals()).toMatchObject({ slots: 2, busySlots: 2, queued: 3 });
  });

  test('move a provider between those with a free slot and the others, and availability that was not there is told', () => {
    const { registry, provider } = setUp();
    const peer = provider();
    const availability: unknown[] = [];
    registry.onFreeSlot = (found) => availability.push(found);
    const free = () => found(registry, 'free');
    const full = () => found(registry, 'full');
    registry.heartbeat(peer, { ...BEAT, busySlots: 1 });
    registry.promise(peer, 1);
    expect([free(), full()]).toEqual([[], [peer]]);
    registry.heartbeat(peer, { ...BEAT, busySlots: 2 });
    registry.promise(peer, -1);
    expect([free(), full(), availability]).toEqual([[], [peer], []]);
    registry.heartbeat(peer, { ...BEAT, busySlots: 1, queued: 1 });
    expect(full()).toEqual([peer]);
    registry.heartbeat(peer, { ...BEAT, busySlots: 1 });
    expect([free(), full(), availability]).toEqual([[peer], [], [peer]]);
    registry.heartbeat(peer, BEAT);
    expect(availability.length).toBe(1);
  });

  test('measure the only model, and none of several', () => {
    const { registry, provider } = setUp();
    registry.heartbeat(provider(), { ...BEAT, unitsPerSecond: 33 });
    registry.heartbeat(provider([advertised(OTHER, 1), advertised('third' as ModelId, 1)]), {
      ...BEAT,
      unitsPerSecond: 33,
    });
    expect(registry.offers().models.map(({ tokensPerSecond }) => tokensPerSecond)).toEqual([33, 1, 1]);
  });

  test('add up to tokens a second over the last minute', () => {
    const { clock, registry, provider } = setUp();
    const peer = provider();
    clock.turn(120_000);
    for (let second = 0; second < 60; second++) {
      registry.heartbeat(peer, { ...BEAT, units: 30 });
      registry.heard(peer);
      clock.turn(1000);
    }
    // 59 full seconds lie in the last minute, and the one that has just begun.
    expect(registry.totals().tokensPerSecond).toBe(29.5);
    clock.turn(60_000);
    expect(registry.totals().tokensPerSecond).toBe(0);
  });

  test('of a peer that offers nothing count nothing', () => {
    const { registry } = setUp();
    const peer = registry.join(newPeerId(), 'browser');
    registry.heartbeat(peer, { ...BEAT, busySlots: 3, queued: 3, units: 1e9 });
    expect(registry.totals()).toMatchObject({ busySlots: 0, queued: 0, tokensPerSecond: 0 });
  });
});

test('offers are summed over providers: the median of their contexts, and of their speeds to two digits', () => {
  const { registry, provider } = setUp();
  provider([{ ...advertised(TINY, 123.4), contextTokens: 1024 }], 2);
  provider([advertised(TINY, 67.89)], 3);
  provider([advertised(TINY, 10)], 1);
  provider([advertised(TINY, null)], 1);
  registry.join(newPeerId(), 'browser');
  expect(registry.offers()).toEqual({
    type: 'offers',
    peers: 5,
    providers: 4,
    models: [
      {
        id: TINY,
        name: 'Tiny',
        quant: 'q8',
        format: 'gguf',
        contextTokens: 2048,
        sha256: null,
        providers: 4,
        slots: 7,
        busySlots: 0,
        queued: 0,
        freeSlots: 4,
        tokensPerSecond: 68,
      },
    ],
  });
});

test('tokens count as far as a computer can have written them, and a queue as far as one is', () => {
  const { clock, registry, provider } = setUp();
  const liar = provider([advertised()], 2);
  clock.turn(1_000);
  registry.heartbeat(liar, { ...BEAT, queued: 60_000, units: 9e15 });
  expect(registry.totals().tokensPerSecond).toBeLessThanOrEqual(2_000);
  expect(registry.totals().queued).toBe(128);
  for (let i = 0; i < 100; i++) registry.heartbeat(liar, { ...BEAT, units: 9e15 });
  expect(registry.totals().tokensPerSecond).toBeLessThanOrEqual(2_000);
});
