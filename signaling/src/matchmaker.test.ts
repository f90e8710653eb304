import { expect, test } from 'vitest';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/ids';
import { MAX_CANDIDATES } from '@llmesh/core/control-protocol';
import { Matchmaker } from './matchmaker.ts';
import { QUIET_MS, Registry } from './registry.ts';
import { advertised, TINY } from './testing/clients.ts';
import { ManualClock } from '@llmesh/core/manual-clock';

/** Half-way, every time: chance favours nobody. */
const even = () => 0.5;

function setUp(random: () => number = even) {
  const clock = new ManualClock();
  const registry = new Registry(clock);
  const matchmaker = new Matchmaker(registry, random);
  const asker = newPeerId();
  const provider = (tokensPerSecond: number, busySlots = 0) => {
    const peer = registry.join(newPeerId(), 'browser');
    registry.advert(peer, { models: [advertised(TINY, tokensPerSecond)], slots: 1, certificate: null });
    registry.heartbeat(peer, { type: 'heartbeat', busySlots, queued: 0, tokens: 0 });
    return peer;
  };
  const match = (exclude: PeerId[] = [], model = TINY, only: PeerId[] | null = null) =>
    matchmaker.match({ model, asker, exclude, only, prefer: null }).map(({ peerId }) => peerId);
  return { clock, registry, matchmaker, provider, match };
}

test('the fast come first, and those without a free slot last, to queue at', () => {
  const { provider, match } = setUp();
  const busy = provider(500, 1);
  const slow = provider(5);
  const fast = provider(50);
  expect(match()).toEqual([fast, slow, busy].map(({ peerId }) => peerId));
});

test('a provider of which all slots are taken is still somewhere to queue', () => {
  const { provider, match } = setUp();
  const busy = provider(50, 1);
  expect(match()).toEqual([busy.peerId]);
});

test('nobody: an unknown model, those excluded, the asker itself, the silent', () => {
  const { clock, matchmaker, provider, match } = setUp();
  const peer = provider(50);
  expect(match([], 'unknown' as ModelId)).toEqual([]);
  expect(match([peer.peerId])).toEqual([]);
  expect(matchmaker.match({ model: TINY, asker: peer.peerId, exclude: [], only: null, prefer: null })).toEqual([]);
  clock.turn(QUIET_MS);
  expect(match()).toEqual([]);
});

test('only those who are named, when some are', () => {
  const { provider, match } = setUp();
  const [trusted] = [provider(5), provider(500)];
  expect(match([], TINY, [trusted.peerId])).toEqual([trusted.peerId]);
  expect(match([trusted.peerId], TINY, [trusted.peerId])).toEqual([]);
  expect(match([], TINY, [])).toEqual([]);
});

test('no more than a shortlist', () => {
  const { provider, match } = setUp();
  for (let i = 0; i < MAX_CANDIDATES + 5; i++) provider(50);
  expect(new Set(match()).size).toBe(MAX_CANDIDATES);
});

test('among very many, those with a free slot are found and everybody gets a turn', () => {
  const random = seeded(1);
  const { provider, match } = setUp(random);
  const busy = new Set(Array.from({ length: 1000 }, () => provider(500, 1).peerId));
  const free = new Set(Array.from({ length: 200 }, () => provider(50).peerId));
  const chosen = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const shortlist = match();
    expect(shortlist.some((peer) => busy.has(peer))).toBe(false);
    for (const peer of shortlist) chosen.add(peer);
  }
  expect(chosen.size).toBe(free.size);
});

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
