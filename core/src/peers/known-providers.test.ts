import { describe, expect, it } from 'vitest';
import { newPeerId, type ModelId, type PeerId } from '../base/ids.ts';
import { KnownProviders } from './known-providers.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { MAX_KNOWN_AGE_SECONDS, MAX_KNOWN_PEERS, type KnownPeer } from '../protocol.ts';
import { advert, MODEL } from '../testing/scripted-server.ts';
import type { Candidate } from '../wire/candidate.ts';

const self = newPeerId();
const nobodyLinked = () => false;

function provider(peerId = newPeerId(), tokensPerSecond: number | null = null): Candidate {
  return {
    peerId,
    agent: 'native',
    model: { ...advert, tokensPerSecond },
    certificate: null,
    slots: 2,
    busySlots: 2,
    queued: 1,
    reliability: 1,
  };
}

const news = (candidate: Candidate, ageSeconds = 0, linked = false): KnownPeer => ({
  ...candidate,
  ageSeconds,
  linked,
});

function setUp() {
  const clock = new ManualClock();
  const known = new KnownProviders(self, () => clock.now());
  const ids = () => known.find({ model: MODEL }).map(({ peerId }) => peerId);
  return { clock, known, ids };
}

it('whom the control plane warns of is found no more, whoever names it, until the warning ends', () => {
  const { known, ids } = setUp();
  const cheat = provider();
  known.matched([cheat], false);
  known.shun([cheat.peerId]);
  known.told(newPeerId(), [news(cheat)]);
  known.told(cheat.peerId, [news(cheat)]);
  expect(ids()).toEqual([]);
  expect(known.providers().has(cheat.peerId)).toBe(false);
  expect(known.toTell(newPeerId(), nobodyLinked)).toEqual([]);
  known.shun([]);
  expect(ids()).toEqual([cheat.peerId]);
});

describe('a liar', () => {
  it('displaces nobody, however much it says', () => {
    const { known, ids } = setUp();
    const [matched, liar, honest] = [provider(), newPeerId(), newPeerId()];
    const told = provider();
    known.matched([matched], false);
    known.told(honest, [news(told)]);
    for (let i = 0; i < 100; i++)
      known.told(
        liar,
        Array.from({ length: 200 }, () => news(provider())),
      );
    expect(ids()).toContain(matched.peerId);
    expect(ids()).toContain(told.peerId);
    expect(ids()).toHaveLength(2 + MAX_KNOWN_PEERS);
  });

  it('does not change what is known of another first-hand', () => {
    const { known } = setUp();
    const one = provider(newPeerId(), 7);
    known.matched([one], false);
    known.told(newPeerId(), [news({ ...one, certificate: 'z'.repeat(205), slots: 0 })]);
    expect(known.find({ model: MODEL })).toEqual([{ ...one, busySlots: 0, queued: 0 }]);
  });

  it('makes nobody look better than one that was never measured', () => {
    const { known } = setUp();
    known.told(newPeerId(), [news(provider(newPeerId(), 1e9))]);
    const [candidate] = known.find({ model: MODEL });
    expect(candidate?.model.tokensPerSecond).toBeNull();
    expect(candidate?.reliability).toBeLessThan(1);
  });

  it('is not passed on', () => {
    const { known } = setUp();
    known.told(newPeerId(), [news(provider())]);
    expect(known.toTell(newPeerId(), nobodyLinked)).toEqual([]);
  });

  it('of whom there are many leaves what the control plane said', () => {
    const { known, ids } = setUp();
    const matched = provider();
    known.matched([matched], false);
    for (let i = 0; i < 200; i++)
      known.told(
        newPeerId(),
        Array.from({ length: 32 }, () => news(provider())),
      );
    expect(ids()).toContain(matched.peerId);
    expect(known.providers().size).toBeLessThanOrEqual(1 + 32 * MAX_KNOWN_PEERS);
  });
});

it('tells first-hand news, with their age, the newest first, and never to the peer they are about', async () => {
  const { clock, known } = setUp();
  const [older, newer] = [provider(), provider()];
  known.matched([older], false);
  await clock.advance(3_500);
  known.told(newer.peerId, [news(newer)]);
  const told = known.toTell(newPeerId(), (peer) => peer === older.peerId);
  expect(told.map(({ peerId, ageSeconds, linked }) => [peerId, ageSeconds, linked])).toEqual([
    [newer.peerId, 0, false],
    [older.peerId, 3, true],
  ]);
  expect(known.toTell(newer.peerId, nobodyLinked).map(({ peerId }) => peerId)).toEqual([older.peerId]);
});

it('tells nobody whom its owner asked for by name', () => {
  const { known } = setUp();
  const [trusted, met] = [provider(), provider()];
  known.matched([trusted], true);
  known.matched([trusted, met], false);
  known.told(trusted.peerId, [news(trusted)]);
  expect(known.toTell(newPeerId(), nobodyLinked).map(({ peerId }) => peerId)).toEqual([met.peerId]);
  expect(known.find({ model: MODEL })).toHaveLength(2);
});

it('forgets after an hour, and what was an hour old when it was told', async () => {
  const { clock, known, ids } = setUp();
  known.matched([provider()], false);
  known.told(newPeerId(), [news(provider(), MAX_KNOWN_AGE_SECONDS)]);
  expect(ids()).toHaveLength(1);
  await clock.advance(MAX_KNOWN_AGE_SECONDS * 1_000 + 1);
  expect(ids()).toEqual([]);
});

it('finds who lends just this model, and not itself', () => {
  const { known, ids } = setUp();
  known.matched([provider(self), { ...provider(), model: { ...advert, id: 'other' as ModelId } }], false);
  expect(ids()).toEqual([]);
});

it('knows who said that they are linked to somebody', () => {
  const { known } = setUp();
  const [c, b] = [newPeerId(), newPeerId()];
  known.told(b, [news(provider(c), 0, true)]);
  known.told(newPeerId(), [news(provider(c))]);
  expect([...known.linkedTo(c)]).toEqual<PeerId[]>([b]);
});
