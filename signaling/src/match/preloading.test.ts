import { beforeEach, describe, expect, it } from 'vitest';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { offerKey, readOfferKey } from '@llmesh/core/policy/offer-key';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { Matchmaker } from './matchmaker.ts';
import { AGAIN_MS, GATHER_MS, Preloading } from './preloading.ts';
import { HEARTBEAT_MS, Registry } from '../registry/registry.ts';
import { Reliability } from './reliability.ts';
import { advertised, TINY } from '../testing/clients.ts';
import type { RegisteredPeer } from '../registry/registered-peer.ts';

const OTHER = 'other' as ModelId;
const WAKES_MS = 4_000;

let clock: ManualClock;
let registry: Registry;
let expected: { provider: PeerId; model: ModelId }[];
let inLine: number;
let peers: RegisteredPeer[];
let preloading: Preloading;
beforeEach(() => {
  clock = new ManualClock();
  registry = new Registry(clock);
  [expected, peers, inLine] = [[], [], 0];
  const matchmaker = new Matchmaker(registry, new Reliability(clock), () => 0.5);
  preloading = new Preloading({
    clock,
    registry,
    matchmaker,
    waiting: () => inLine,
    expect: (provider, offer) => expected.push({ provider, model: readOfferKey(offer).model }),
  });
});

interface How {
  slots?: number;
  busySlots?: number;
  wakesInMs?: number;
  tokensPerSecond?: number;
  models?: ModelId[];
}

function advertise(peer: RegisteredPeer, how: How = {}): void {
  const { slots = 1, busySlots = 0, wakesInMs, tokensPerSecond = 20, models = [TINY] } = how;
  const resting = wakesInMs === undefined ? {} : { wakesInMs };
  const adverts = models.map((id) => ({ ...advertised(id, tokensPerSecond), ...(id === TINY && resting) }));
  registry.advert(peer, { models: adverts, slots, certificate: null });
  registry.heartbeat(peer, { type: 'heartbeat', busySlots, queued: 0, units: 0 });
}

function provider(how: How = {}): RegisteredPeer {
  const peer = registry.join(newPeerId(), 'native');
  peers.push(peer);
  advertise(peer, how);
  return peer;
}

/** Everybody beats meanwhile. */
function turn(ms: number): void {
  for (let passed = 0; passed < ms; passed += HEARTBEAT_MS) {
    clock.turn(Math.min(HEARTBEAT_MS, ms - passed));
    for (const peer of peers) registry.heard(peer);
  }
}

function ask(times: number, model = TINY): void {
  for (let i = 0; i < times; i++) preloading.asked(offerKey({ model }));
  turn(GATHER_MS);
}

describe('loading ahead', () => {
  it('is asked for when those in memory will not do, and only of as many as it takes', () => {
    provider({ slots: 2 });
    const resting = Array.from({ length: 5 }, () => provider({ wakesInMs: WAKES_MS }).peerId);
    ask(1);
    expect(expected).toEqual([]);
    ask(1);
    expect(expected).toEqual([{ provider: expect.toBeOneOf(resting), model: TINY }]);
    ask(1);
    // Three now and one for chance, of two and two.
    expect(expected.length).toBe(2);
    expect(new Set(expected.map((one) => one.provider)).size).toBe(2);
  });

  it('begins with the best', () => {
    provider({ wakesInMs: WAKES_MS, tokensPerSecond: 2 });
    const best = provider({ wakesInMs: WAKES_MS, tokensPerSecond: 200 });
    provider({ wakesInMs: 600_000, tokensPerSecond: 200 });
    provider({ slots: 2, busySlots: 2 });
    ask(2);
    expect(expected).toEqual([{ provider: best.peerId, model: TINY }]);
  });

  it('is not asked for where enough have it, nor where nobody is asked or offers it', () => {
    provider({ slots: 8 });
    provider({ wakesInMs: WAKES_MS });
    ask(4);
    ask(50, OTHER);
    turn(600_000);
    expect(expected).toEqual([]);
  });

  it('does not go back and forth: who was told counts, is told once a minute, and not for what it has', () => {
    const [first, second] = [provider({ wakesInMs: WAKES_MS }), provider({ wakesInMs: WAKES_MS })];
    provider({ slots: 2, busySlots: 2 });
    ask(2);
    expect(expected.length).toBe(1);
    const told = expected[0]!.provider === first.peerId ? first : second;
    advertise(told);
    ask(0);
    turn(5_000);
    ask(1);
    expect(expected.length).toBe(1);
    // It had nothing to do, and left again.
    advertise(told, { wakesInMs: WAKES_MS });
    ask(1);
    expect(expected.map((one) => one.provider)).toEqual([told.peerId, (told === first ? second : first).peerId]);
    ask(9);
    expect(expected.length).toBe(2);
    turn(AGAIN_MS);
    ask(9);
    expect(expected.length).toBe(4);
  });

  it('is asked of another when who was told does nothing', () => {
    provider({ wakesInMs: WAKES_MS });
    provider({ wakesInMs: WAKES_MS });
    provider({ slots: 2, busySlots: 2 });
    ask(2);
    turn(10_000);
    ask(1);
    expect(expected.length).toBe(1);
    turn(10_000);
    ask(1);
    expect(new Set(expected.map((one) => one.provider)).size).toBe(2);
  });

  it('counts on one that was sent a question and loads it for that', () => {
    provider({ slots: 1, busySlots: 1 });
    const sent = provider({ slots: 2, wakesInMs: WAKES_MS, models: [TINY, OTHER] });
    const other = provider({ wakesInMs: WAKES_MS });
    preloading.sent(sent.peerId, sent.models[0]!);
    ask(1);
    expect(expected).toEqual([]);
    ask(3);
    expect(expected).toEqual([{ provider: other.peerId, model: TINY }]);
  });

  it('reaches one that is busy with another model only while somebody waits', () => {
    const busy = provider({ slots: 2, busySlots: 2, wakesInMs: WAKES_MS, models: [TINY, OTHER] });
    provider({ slots: 1, busySlots: 1 });
    ask(3);
    expect(expected).toEqual([]);
    inLine = 2;
    ask(1);
    expect(expected).toEqual([{ provider: busy.peerId, model: TINY }]);
  });

  it('ends when it is closed', () => {
    provider({ wakesInMs: WAKES_MS });
    preloading.asked(offerKey({ model: TINY }));
    preloading.close();
    ask(9);
    expect(expected).toEqual([]);
  });
});

describe('what is asked for at the same time every day', () => {
  const DAY = 86_400_000;
  /** A Monday, at midnight. */
  const START = Date.UTC(2027, 0, 4);

  /** Asked at nine o'clock of each day so far. */
  function mornings(days: number): void {
    preloading.close();
    preloading = new Preloading({
      ...{ clock, registry, now: () => START + clock.now(), waiting: () => inLine },
      matchmaker: new Matchmaker(registry, new Reliability(clock), () => 0.5),
      expect: (provider, offer) => expected.push({ provider, model: readOfferKey(offer).model }),
    });
    for (let day = 0; day < days; day++) {
      clock.turn(day * DAY + 9 * 3_600_000 - clock.now());
      for (const peer of peers) registry.heard(peer);
      ask(1);
    }
    expected = [];
  }

  it('is loaded before, once, by one', () => {
    const lenders = [provider({ wakesInMs: WAKES_MS }), provider({ wakesInMs: WAKES_MS })];
    mornings(3);
    clock.turn(3 * DAY + 4 * 3_600_000 - clock.now());
    expect(expected).toEqual([]);
    clock.turn(3 * DAY + 9 * 3_600_000 - 600_000 - clock.now());
    turn(120_000);
    expect(expected.length).toBeGreaterThan(0);
    expected = [];
    // It is in memory then, and nobody else is told.
    advertise(lenders[0]!);
    turn(300_000);
    expect(expected).toEqual([]);
  });

  it('is not foreseen by who does not know the time of day', () => {
    provider({ wakesInMs: WAKES_MS });
    for (let day = 0; day < 3; day++) {
      clock.turn(day * DAY + 9 * 3_600_000 - clock.now());
      for (const peer of peers) registry.heard(peer);
      ask(1);
    }
    expected = [];
    clock.turn(3 * DAY + 9 * 3_600_000 - 600_000 - clock.now());
    turn(120_000);
    expect(expected).toEqual([]);
  });
});
