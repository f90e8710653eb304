import { describe, expect, test } from 'vitest';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { MAX_CANDIDATES } from '@llmesh/core/wire/candidate';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { Matchmaker, type MatchQuestion } from './matchmaker.ts';
import { RANK_MS } from '../registry/offer-ranks.ts';
import { GONE_MS, QUIET_MS, Registry } from '../registry/registry.ts';
import { Reliability } from './reliability.ts';
import { advertised, TINY } from '../testing/clients.ts';
import { offerKey } from '@llmesh/core/policy/offer-key';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { mulberry32 } from '@llmesh/core/testing/mulberry32';

/** Half-way, every time: chance favours nobody. */
const even = () => 0.5;

const TINY_CHAT = offerKey({ model: TINY });

function setUp(random: () => number = even) {
  const clock = new ManualClock();
  const registry = new Registry(clock);
  const reliability = new Reliability(clock);
  const matchmaker = new Matchmaker(registry, reliability, random);
  const requester = newPeerId();
  const provider = (tokensPerSecond: number, busySlots = 0, wakesInMs?: number) => {
    const peer = registry.join(newPeerId(), 'browser');
    const model = { ...advertised(TINY, tokensPerSecond), ...(wakesInMs !== undefined && { wakesInMs }) };
    registry.advert(peer, { models: [model], slots: 1, certificate: null });
    registry.heartbeat(peer, { type: 'heartbeat', busySlots, queued: 0, units: 0 });
    return peer;
  };
  const match = (exclude: PeerId[] = [], model = TINY, only: PeerId[] | null = null, prefer: PeerId | null = null) =>
    matchmaker.match({ model, requester, exclude, only, prefer })?.map(({ peerId }) => peerId) ?? null;
  return { clock, registry, reliability, matchmaker, provider, match };
}

test('the fast come first, and as spares those without a free slot last', () => {
  const { provider, match } = setUp();
  const busy = provider(500, 1);
  const slow = provider(5);
  const fast = provider(50);
  expect(match()).toEqual([fast, slow, busy].map(({ peerId }) => peerId));
});

test('null when all who could answer are full, also by what is promised', () => {
  const { registry, provider, match } = setUp();
  const busy = provider(50, 1);
  expect(match()).toBe(null);
  expect(match([busy.peerId])).toEqual([]);
  const promised = provider(50);
  registry.promise(promised, 1);
  expect(match()).toBe(null);
  expect(match([], TINY, [promised.peerId])).toBe(null);
  registry.promise(promised, -1);
  expect(match()).toEqual([promised.peerId, busy.peerId]);
});

test('those in memory before those that have to be loaded, and these before the full; also when they are named', () => {
  const { registry, provider, match } = setUp();
  const resting = provider(60, 0, 20_000);
  expect(match()).toEqual([resting.peerId]);
  const full = provider(50, 1);
  const free = provider(50);
  const all = [free, resting, full].map(({ peerId }) => peerId);
  expect(match()).toEqual(all);
  expect(match([], TINY, all.toReversed())).toEqual(all);
  registry.promise(free, 1);
  registry.promise(resting, 1);
  expect(match()).toBe(null);
});

test('whoever has the conversation comes first, however many there are; not when it is full, silent, unwanted or left', () => {
  const { clock, registry, provider, match } = setUp(mulberry32(2));
  const warm = provider(50);
  for (let i = 0; i < 500; i++) provider(60);
  const first = (...how: Parameters<typeof match>) => match(...how)?.[0];
  const prefer = warm.peerId;
  for (let i = 0; i < 20; i++) expect(first([], TINY, null, prefer)).toBe(prefer);
  expect(match([], TINY, null, prefer)?.filter((peer) => peer === prefer).length).toBe(1);
  expect(match([prefer], TINY, null, prefer)).not.toContain(prefer);
  const other = provider(50).peerId;
  expect(match([], TINY, [other], prefer)).toEqual([other]);
  registry.promise(warm, 1);
  expect(first([], TINY, null, prefer)).not.toBe(prefer);
  registry.promise(warm, -1);
  clock.turn(QUIET_MS);
  provider(50);
  expect(match([], TINY, null, prefer)).not.toContain(prefer);
  registry.leave(warm);
  expect(match([], TINY, null, prefer)).not.toContain(prefer);
});

test('says how far a provider can be counted on, and ranks a boast by what receipts say', () => {
  const { reliability, provider, matchmaker } = setUp();
  const boaster = provider(1_000);
  const honest = provider(50);
  for (let i = 0; i < 3; i++) {
    const from = { requester: newPeerId(), network: '' };
    reliability.finished(boaster.peerId, { offer: TINY_CHAT, units: 100, ms: 10_000 }, from);
    reliability.finished(honest.peerId, { offer: TINY_CHAT, units: 100, ms: 2_000 }, from);
  }
  reliability.failed(boaster.peerId, 3);
  const question = { model: TINY, requester: newPeerId(), exclude: [], only: null, prefer: null };
  const [first, second] = matchmaker.match(question) ?? [];
  expect(first).toMatchObject({ peerId: honest.peerId, reliability: 12 / 13, model: { tokensPerSecond: 50 } });
  expect(second).toMatchObject({ peerId: boaster.peerId, reliability: 0.75, model: { tokensPerSecond: 10 } });
});

test('who can never be answered: nobody left who is here and may be asked', () => {
  const { clock, provider, matchmaker } = setUp();
  const peer = provider(50, 1);
  const ask = (changes = {}) => ({
    model: TINY,
    requester: newPeerId(),
    exclude: [],
    only: null,
    prefer: null,
    ...changes,
  });
  const possible = [ask(), ask({ only: [peer.peerId] }), ask({ exclude: [newPeerId()] })];
  const not = [ask({ requester: peer.peerId }), ask({ only: [newPeerId()] }), ask({ exclude: [peer.peerId] })];
  expect(matchmaker.impossible(TINY_CHAT, [...possible, ...not])).toEqual(not);
  clock.turn(GONE_MS);
  expect(matchmaker.impossible(TINY_CHAT, possible)).toEqual(possible);
});

test('nobody: an unknown model, those excluded, the requester itself, the silent', () => {
  const { clock, matchmaker, provider, match } = setUp();
  const peer = provider(50);
  expect(match([], 'unknown' as ModelId)).toEqual([]);
  expect(match([peer.peerId])).toEqual([]);
  expect(matchmaker.match({ model: TINY, requester: peer.peerId, exclude: [], only: null, prefer: null })).toEqual([]);
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
  const random = mulberry32(1);
  const { provider, match } = setUp(random);
  const busy = new Set(Array.from({ length: 1000 }, () => provider(500, 1).peerId));
  const free = new Set(Array.from({ length: 200 }, () => provider(50).peerId));
  const chosen = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const shortlist = match();
    expect(shortlist?.some((peer) => busy.has(peer))).toBe(false);
    for (const peer of shortlist ?? []) chosen.add(peer);
  }
  expect(chosen.size).toBe(free.size);
});

test('who does not say that somebody vouches for it is not asked where that is wanted', () => {
  const { registry, matchmaker, provider } = setUp();
  const plain = { model: TINY, requester: newPeerId(), exclude: [], only: null, prefer: null };
  const asked = { ...plain, attestedBy: 'example' };
  for (let i = 0; i < 200; i++) provider(50);
  expect(matchmaker.match(asked)).toEqual([]);
  expect(matchmaker.impossible(TINY_CHAT, [asked, plain])).toEqual([asked]);
  const claims = provider(50);
  const attestation = { kind: 'tee', vendor: 'example', quote: 'aa' } as const;
  registry.advert(claims, { models: [{ ...advertised(TINY, 50), attestation }], slots: 1, certificate: null });
  for (const attestedBy of ['example', null]) {
    expect(matchmaker.match({ ...asked, attestedBy })?.map(({ peerId }) => peerId)).toEqual([claims.peerId]);
  }
  expect(matchmaker.match({ ...asked, attestedBy: 'other' })).toEqual([]);
  expect(matchmaker.impossible(TINY_CHAT, [asked, { ...asked, attestedBy: 'other' }])).toMatchObject([
    { attestedBy: 'other' },
  ]);
});

test('who has no adapter is not asked to answer with it, and one of many who has is waited for', () => {
  const { registry, matchmaker, provider } = setUp();
  const adapter = 'ab'.repeat(32);
  const asked = { model: TINY, requester: newPeerId(), exclude: [], only: null, prefer: null, adapter };
  for (let i = 0; i < 200; i++) provider(50);
  expect(matchmaker.match(asked)).toEqual([]);
  expect(matchmaker.impossible(TINY_CHAT, [asked])).toEqual([asked]);
  const able = provider(50);
  const models = [{ ...advertised(TINY, 50), adapters: [{ sha256: adapter, name: 'Law' }] }];
  registry.advert(able, { models, slots: 1, certificate: null });
  expect(matchmaker.match(asked)?.map(({ peerId }) => peerId)).toEqual([able.peerId]);
  registry.promise(able, 1);
  expect(matchmaker.match(asked)).toBe(null);
  expect(matchmaker.impossible(TINY_CHAT, [asked])).toEqual([]);
  expect(matchmaker.match({ ...asked, only: [able.peerId], adapter: 'cd'.repeat(32) })).toEqual([]);
});

test('who brings an adapter is sent to those who have it, and to those who take it', () => {
  const { registry, matchmaker, provider } = setUp();
  const adapter = 'ab'.repeat(32);
  const asked = { model: TINY, requester: newPeerId(), exclude: [], only: null, prefer: null, adapter };
  const brings = { ...asked, bringsAdapter: true };
  provider(50);
  expect(matchmaker.impossible(TINY_CHAT, [brings])).toEqual([brings]);
  const [has, takes] = [provider(50), provider(50)];
  const advert = (peer: typeof has, more: object) =>
    registry.advert(peer, { models: [{ ...advertised(TINY, 50), ...more }], slots: 1, certificate: null });
  advert(has, { adapters: [{ sha256: adapter, name: 'Law' }] });
  advert(takes, { takesAdapters: { architecture: 'llama', width: 256, layers: 4 } });
  const found = (question: typeof asked) =>
    matchmaker
      .match(question)
      ?.map(({ peerId }) => peerId)
      .toSorted();
  expect(found(asked)).toEqual([has.peerId]);
  expect(found(brings)).toEqual([has.peerId, takes.peerId].toSorted());
  registry.promise(has, 1);
  expect(found(asked)).toBeUndefined();
  expect(found(brings)).toEqual(expect.arrayContaining([takes.peerId]));
  // What is impossible for one of the two is not for the other.
  advert(has, {});
  expect(matchmaker.impossible(TINY_CHAT, [asked, brings])).toEqual([asked]);
});

test('a speed that nobody has measured counts no more than is usual for the model', () => {
  const { clock, reliability, provider, matchmaker } = setUp();
  const honest = provider(50);
  const from = { requester: newPeerId(), network: '' };
  const question = { model: TINY, requester: newPeerId(), exclude: [], only: null, prefer: null };
  for (let i = 0; i < 3; i++) reliability.finished(honest.peerId, { offer: TINY_CHAT, units: 100, ms: 2_000 }, from);
  const boaster = provider(100_000);
  clock.turn(RANK_MS);
  const speeds = () => new Map(matchmaker.match(question)?.map((one) => [one.peerId, one.model.tokensPerSecond]));
  expect(speeds()).toEqual(new Map([honest, boaster].map(({ peerId }) => [peerId, 50])));
  for (let i = 0; i < 3; i++) reliability.finished(boaster.peerId, { offer: TINY_CHAT, units: 1_000, ms: 2_000 }, from);
  expect(speeds().get(boaster.peerId)).toBe(500);
});

describe('different files under one id', () => {
  const [ours, theirs] = ['aa'.repeat(32), 'bb'.repeat(32)];

  function lending() {
    const { clock, registry, reliability, matchmaker } = setUp();
    const lend = (sha256: string | null, more: Partial<ModelAdvert> = {}) => {
      const peer = registry.join(newPeerId(), 'native');
      registry.advert(peer, { models: [{ ...advertised(), sha256, ...more }], slots: 1, certificate: null });
      return peer;
    };
    const ask = (more: Partial<MatchQuestion> = {}) =>
      matchmaker
        .match({ model: TINY, requester: newPeerId(), exclude: [], only: null, prefer: null, ...more })
        ?.map(({ peerId }) => peerId) ?? null;
    return { clock, registry, reliability, matchmaker, lend, ask };
  }

  test('the id alone means one of them, and is never answered with another', () => {
    const { clock, registry, lend, ask } = lending();
    const [first, second] = [lend(ours), lend(ours)];
    clock.turn(1_000);
    const other = lend(theirs);
    const unhashed = lend(null);
    const both = new Set([first.peerId, second.peerId]);
    expect(new Set(ask())).toEqual(both);
    expect(new Set(ask({ sha256: ours }))).toEqual(both);
    expect(ask({ sha256: theirs })).toEqual([other.peerId]);
    expect(ask({ sha256: null })).toEqual([unhashed.peerId]);
    expect(ask({ sha256: 'cc'.repeat(32) })).toEqual([]);
    expect(new Set(ask({ prefer: other.peerId }))).toEqual(both);
    for (const peer of [first, second]) registry.promise(peer, 1);
    expect(ask()).toBe(null);
    expect(ask({ prefer: other.peerId })).toBe(null);
  });

  test('whoever is named is asked with the file they have, unless a file is named as well', () => {
    const { lend, ask } = lending();
    lend(ours);
    lend(ours);
    const other = lend(theirs);
    expect(ask({ only: [other.peerId] })).toEqual([other.peerId]);
    expect(ask({ only: [other.peerId], sha256: ours })).toEqual([]);
  });

  test('who says that it embeds takes nobody the model to chat with', () => {
    const { clock, lend, ask } = lending();
    const liar = lend(ours, { task: 'embedding', embeds: 64 });
    clock.turn(1_000);
    const honest = lend(ours);
    expect(ask({ needs: [] })).toEqual([honest.peerId]);
    expect(ask({ task: 'embedding' })).toEqual([liar.peerId]);
  });

  test('who waits for the file that is meant is not in the way of who waits for another', () => {
    const { lend, matchmaker } = lending();
    lend(ours);
    lend(ours);
    const other = lend(theirs);
    const question = { model: TINY, requester: newPeerId(), exclude: [], only: null, prefer: null };
    expect(matchmaker.isMeant(question, other)).toBe(false);
    expect(matchmaker.isMeant({ ...question, sha256: theirs }, other)).toBe(true);
    expect(matchmaker.impossible(TINY_CHAT, [question, { ...question, sha256: theirs }])).toEqual([]);
    const nobody = { ...question, sha256: 'cc'.repeat(32) };
    expect(matchmaker.impossible(TINY_CHAT, [question, nobody])).toEqual([nobody]);
  });
});
