import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { QUEUED_EVERY_MS } from '@llmesh/core/wire/control-protocol';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { offerKey } from '@llmesh/core/policy/offer-key';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { networksOf } from '../sockets/address.ts';
import { Matchmaker } from './matchmaker.ts';
import { GONE_MS, HEARTBEAT_MS, QUIET_MS, Registry } from '../registry/registry.ts';
import { Reliability } from './reliability.ts';
import { OVERDUE_MS, PROMISE_MS, SlotPromises } from './slot-promises.ts';
import { advertised, TINY } from '../testing/clients.ts';
import { MAX_WAITING_PER_MODEL, MAX_WAITING_PER_PEER } from './queue-members.ts';
import { MatchQueues } from './match-queues.ts';
import { MAX_NAMED_WAIT_MS, TICK_MS } from './queue-news.ts';
import { hasFreeSlot, loadOf, modelOf, type RegisteredPeer } from '../registry/registered-peer.ts';

interface Told {
  at: number;
  /** Whom it was sent to; null: nobody is left. Absent: a place in the line. */
  first?: PeerId | null;
  position?: number;
  estimateMs?: number | null;
  refused?: string;
}

function setUp() {
  const clock = new ManualClock();
  const registry = new Registry(clock);
  const promises = new SlotPromises(clock, registry);
  const matchmaker = new Matchmaker(registry, new Reliability(clock), () => 0.5);
  const sizes: number[] = [];
  const queues = new MatchQueues({ clock, registry, matchmaker, promises, changed: (size) => sizes.push(size) });
  const provider = (how: { slots?: number; busySlots?: number; models?: ModelAdvert[] } = {}) => {
    const { slots = 1, models = [advertised(TINY, 100)] } = how;
    const { busySlots = slots } = how;
    const peer = registry.join(newPeerId(), 'native');
    registry.heartbeat(peer, { type: 'heartbeat', busySlots: 0, queued: 0, units: 0 });
    // Busy before anybody can be sent there.
    const { onFreeSlot: onRoom } = registry;
    registry.onFreeSlot = null;
    registry.advert(peer, { models, slots, certificate: null });
    registry.onFreeSlot = onRoom;
    beat(peer, busySlots);
    if (busySlots < slots) onRoom?.(peer);
    return peer;
  };
  const beat = (peer: RegisteredPeer, busySlots: number) => {
    registry.heard(peer);
    const before = loadOf(peer);
    registry.heartbeat(peer, { type: 'heartbeat', busySlots, queued: 0, units: 0 });
    queues.begun(peer, loadOf(peer) - before);
  };
  const leave = (peer: RegisteredPeer) => {
    registry.leave(peer);
    queues.left(peer);
  };
  let requestId = 0;
  const ask = (
    requester: PeerId = newPeerId(),
    {
      address = '192.0.2.1',
      pays = false,
      ...changes
    }: { model?: ModelId; exclude?: PeerId[]; only?: PeerId[]; address?: string; pays?: boolean } = {},
  ) => {
    const told: Told[] = [];
    const id = requestId++;
    queues.ask({
      model: TINY,
      requester,
      exclude: [],
      only: null,
      prefer: null,
      requestId: id,
      ...changes,
      pays: () => pays,
      from: networksOf(address),
      matched: (candidates) => told.push({ at: clock.now(), first: candidates[0]?.peerId ?? null }),
      queued: (place) => told.push({ at: clock.now(), ...place }),
      refused: ({ message }) => told.push({ at: clock.now(), refused: message }),
    });
    return { told, withdraw: () => queues.withdraw(requester, id), last: () => told.at(-1) };
  };
  return { clock, registry, promises, queues, sizes, provider, beat, leave, ask };
}

test('many who ask at once are sent to different slots, and wait when there are no more', () => {
  const { ask, provider, promises } = setUp();
  const all = Array.from({ length: 5 }, () => provider({ slots: 2, busySlots: 0 }));
  const firsts = Array.from({ length: 10 }, () => ask().last()?.first);
  const counts = all.map(({ peerId }) => firsts.filter((first) => first === peerId).length);
  expect(counts).toEqual([2, 2, 2, 2, 2]);
  expect(promises.size).toBe(10);
  expect(ask().last()).toMatchObject({ position: 1 });
});

test('whoever waits knows its place at once, and has the slot that a heartbeat frees', () => {
  const { ask, provider, beat, clock, queues, sizes } = setUp();
  const peer = provider();
  const [first, second] = [ask(), ask()];
  // An answer of 200 tokens at 100 tokens a second takes two seconds.
  expect(first.told).toEqual([{ at: 0, position: 1, estimateMs: 2_000 }]);
  expect(second.told).toEqual([{ at: 0, position: 2, estimateMs: 4_000 }]);
  clock.turn(100);
  beat(peer, 0);
  expect(first.last()).toEqual({ at: 100, first: peer.peerId });
  expect(second.told.length).toBe(1);
  beat(peer, 1);
  clock.turn(TICK_MS);
  expect(second.last()).toMatchObject({ position: 1 });
  beat(peer, 0);
  expect(second.last()).toMatchObject({ first: peer.peerId });
  expect([queues.size, sizes]).toEqual([0, [1, 2, 1, 0]]);
});

test('a slot that was kept for nothing goes to the next', () => {
  const { ask, provider, clock } = setUp();
  const peer = provider({ busySlots: 0 });
  ask();
  const next = ask();
  expect(next.last()).toMatchObject({ position: 1 });
  clock.turn(OVERDUE_MS - 1);
  expect(next.last()?.first).toBe(undefined);
  clock.turn(1);
  expect(next.last()).toEqual({ at: OVERDUE_MS, first: peer.peerId });
});

test('a new provider and a new advert serve the line, the longest waiting first over all its models', () => {
  const { ask, provider, leave } = setUp();
  const other = 'other' as ModelId;
  provider({ models: [advertised(other)] });
  provider();
  const [a, b, c] = [ask(undefined, { model: other }), ask(), ask(undefined, { model: other })];
  const fresh = provider({ slots: 2, busySlots: 0, models: [advertised(TINY), advertised(other)] });
  expect([a, b, c].map((one) => one.last()?.first)).toEqual([fresh.peerId, fresh.peerId, undefined]);
  leave(fresh);
});

test('one who may only be sent to a full one, or not to the free one, does not hold up others', () => {
  const { ask, provider, beat } = setUp();
  const [trusted, other] = [provider(), provider()];
  const picky = ask(undefined, { only: [trusted.peerId] });
  const tried = ask(undefined, { exclude: [other.peerId] });
  const own = ask(other.peerId);
  const anyone = ask();
  beat(other, 0);
  expect([picky, tried, own].map((one) => one.last()?.first)).toEqual([undefined, undefined, undefined]);
  expect(anyone.last()).toMatchObject({ first: other.peerId });
  beat(trusted, 0);
  expect(picky.last()).toMatchObject({ first: trusted.peerId });
});

test('a peer with many waiting does not starve one with one', () => {
  const { ask, provider, beat } = setUp();
  const peer = provider();
  const greedy = newPeerId();
  const many = Array.from({ length: MAX_WAITING_PER_PEER }, () => ask(greedy));
  const single = ask();
  expect(single.last()).toMatchObject({ position: 2 });
  beat(peer, 0);
  beat(peer, 1);
  beat(peer, 0);
  expect(many.filter((one) => one.last()?.first !== undefined).length).toBe(1);
  expect(single.last()).toMatchObject({ first: peer.peerId });
});

test('hears of its place at least every few seconds, and at most once a second', () => {
  const { ask, provider, beat, clock } = setUp();
  const peer = provider();
  const ahead = [ask(), ask(), ask(), ask()];
  const last = ask();
  for (let i = 0; i < 4; i++) {
    ahead[i]!.withdraw();
    clock.turn(TICK_MS / 2);
    beat(peer, 1);
  }
  for (let i = 0; i < 20; i++) {
    clock.turn(HEARTBEAT_MS);
    beat(peer, 1);
  }
  const gaps = last.told.slice(1).map(({ at }, i) => at - last.told[i]!.at);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(TICK_MS);
  expect(Math.max(...gaps)).toBe(QUEUED_EVERY_MS);
  expect(last.told.map(({ position }) => position).slice(0, 3)).toEqual([5, 3, 1]);
});

test('refuses more than so many of one peer, and of one model, in words', () => {
  const { ask, provider } = setUp();
  provider();
  const greedy = newPeerId();
  for (let i = 0; i < MAX_WAITING_PER_PEER; i++) ask(greedy);
  expect(() => ask(greedy)).toThrow('You have 8 questions waiting already');
  for (let i = MAX_WAITING_PER_PEER; i < MAX_WAITING_PER_MODEL; i++) ask();
  // Who has eight places in the line has one fewer for each who has none.
  for (let i = 1; i < MAX_WAITING_PER_PEER; i++) ask();
  expect(() => ask()).toThrow('1000 questions are waiting already; the last will have its turn in about 34 minutes');
});

test('who waits for what nobody offers any more is told so', () => {
  const { ask, provider, leave, clock, queues, beat } = setUp();
  const [a, b] = [provider(), provider()];
  const [picky, anyone] = [ask(undefined, { only: [a.peerId] }), ask()];
  leave(a);
  clock.turn(TICK_MS);
  expect(picky.last()).toMatchObject({ first: null });
  expect(anyone.last()?.first).toBe(undefined);
  beat(b, 1);
  clock.turn(GONE_MS + TICK_MS);
  expect(anyone.last()).toMatchObject({ first: null });
  expect(queues.size).toBe(0);
  // At once, when it is so from the first.
  expect(ask().told).toMatchObject([{ first: null }]);
});

test('whoever was found silent serves the line with its next word', () => {
  const { ask, provider, beat, clock } = setUp();
  const silent = provider({ busySlots: 0 });
  const busy = provider();
  clock.turn(GONE_MS - 1);
  beat(busy, 1);
  const one = ask();
  expect(one.last()).toMatchObject({ position: 1 });
  beat(silent, 0);
  expect(one.last()).toMatchObject({ first: silent.peerId });
});

test('slots are conserved: whatever happens, promises are as many as are kept, within the slots, and end', () => {
  const models = [TINY, 'other' as ModelId];
  const step = fc.record({
    what: fc.constantFrom('ask', 'ask', 'ask', 'withdraw', 'beat', 'beat', 'join', 'leave', 'turn'),
    who: fc.nat(9),
    number: fc.nat(3),
    named: fc.constantFrom('any', 'only', 'exclude'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { clock, registry, promises, queues, ask, beat, leave } = setUp();
      const ids = Array.from({ length: 10 }, newPeerId);
      const withdrawn = new Set<unknown>();
      const withdraw = (one: ReturnType<typeof ask> | undefined) => {
        one?.withdraw();
        withdrawn.add(one);
      };
      const asked: {
        requester: PeerId;
        one: ReturnType<typeof ask>;
        model: ModelId;
        only: PeerId[] | null;
        exclude: PeerId[];
      }[] = [];
      for (const { what, who, number, named } of steps) {
        const id = ids[who]!;
        const peer = registry.find(id);
        const model = models[number % 2]!;
        if (what === 'join') {
          if (peer !== null) leave(peer);
          const offered = number < 2 ? [advertised(model)] : models.map((each) => advertised(each));
          registry.advert(registry.join(id, 'native'), { models: offered, slots: number, certificate: null });
        } else if (what === 'ask') {
          const other = [ids[(who + 1 + number) % 10]!];
          const changes = { ...(named === 'only' && { only: other }), ...(named === 'exclude' && { exclude: other }) };
          const before = new Map(ids.map((each) => [each, registry.find(each)?.promised ?? 0]));
          try {
            const one = ask(id, { model, ...changes });
            asked.push({ requester: id, one, model, only: null, exclude: [], ...changes });
            const first = registry.find(one.last()?.first ?? id);
            if (one.last()?.first != null && first !== null) {
              expect(first.promised).toBe(before.get(first.peerId)! + 1);
              expect(loadOf(first)).toBeLessThanOrEqual(first.slots);
            }
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'busy' });
          }
        } else if (what === 'withdraw') withdraw(asked[number]?.one);
        else if (what === 'turn') clock.turn(number * 700);
        else if (peer !== null && what === 'beat') beat(peer, number);
        else if (peer !== null) leave(peer);
        if (what === 'leave' || what === 'join') {
          // Who leaves takes its questions along.
          for (const { requester, one } of asked) if (requester === id && peer !== null) withdrawn.add(one);
        }
        const present = ids.map((each) => registry.find(each)).filter((each) => each !== null);
        expect(present.reduce((sum, { promised }) => sum + promised, 0)).toBe(promises.size);
        for (const { told } of asked.map(({ one }) => one)) {
          expect(told.filter(({ first }) => first !== undefined).length).toBeLessThanOrEqual(1);
        }
        // Nobody waits beside a free slot.
        const free = present.filter((each) => hasFreeSlot(each) && registry.silentMs(each) < QUIET_MS);
        for (const { requester, one, model, only, exclude } of asked) {
          if (one.last()?.first !== undefined || withdrawn.has(one)) continue;
          const offering = free.filter((each) => modelOf(each, { model }) !== null && each.peerId !== requester);
          expect(
            offering.filter(({ peerId }) => only?.includes(peerId) !== false && !exclude.includes(peerId)),
          ).toEqual([]);
        }
      }
      for (const { one } of asked) one.withdraw();
      clock.turn(PROMISE_MS);
      expect([queues.size, promises.size]).toEqual([0, 0]);
      for (const id of ids) expect(registry.find(id)?.promised ?? 0).toBe(0);
    }),
    { numRuns: 200 },
  );
});

const OTHER = '198.51.100.1';

test('questions that keep to a provider which is always full take no place in the line, and make nobody wait', () => {
  const { ask, provider, beat, queues } = setUp();
  const fake = provider();
  const peer = provider();
  const calm = ask().last();
  const squatters = Array.from({ length: 1_000 }, () => ask(newPeerId(), { only: [fake.peerId] }));
  expect(queues.waiting(offerKey({ model: TINY }))).toBe(1);
  expect(squatters.at(-1)?.last()).toMatchObject({ position: 1_000 });
  const honest = ask();
  expect(honest.last()).toMatchObject({ position: 2, estimateMs: 2 * (calm?.estimateMs ?? 0) });
  beat(peer, 0);
  beat(peer, 1);
  beat(peer, 0);
  expect(honest.last()).toMatchObject({ first: peer.peerId });
});

test('of those, too, whoever has fewest has a place, and the one who loses its place is told', () => {
  const { ask, provider, queues } = setUp();
  const fake = provider();
  const squatters = Array.from({ length: 1_000 }, () => ask(newPeerId(), { only: [fake.peerId] }));
  const honest = ask(newPeerId(), { only: [fake.peerId], address: OTHER });
  expect(honest.last()).toMatchObject({ position: 2 });
  expect(squatters.filter((one) => one.last()?.refused !== undefined).length).toBe(1);
  expect(squatters.at(-1)?.last()?.refused).toContain('Ask again in a moment');
  expect(queues.size).toBe(1_000);
});

test('a line that one network has filled has queues for others, up to an equal share', () => {
  const { ask, provider, beat, queues } = setUp();
  const peer = provider();
  const crowd = Array.from({ length: MAX_WAITING_PER_MODEL }, () => ask());
  expect(() => ask()).toThrow('1000 questions are waiting already');
  const honest = Array.from({ length: MAX_WAITING_PER_MODEL / 2 }, () => ask(newPeerId(), { address: OTHER }));
  expect(honest[0]?.told[0]).toMatchObject({ position: 2 });
  expect(() => ask(newPeerId(), { address: OTHER })).toThrow('1000 questions are waiting already');
  expect(crowd.filter((one) => one.last()?.refused !== undefined)).toEqual(crowd.slice(500));
  expect(queues.waiting(offerKey({ model: TINY }))).toBe(MAX_WAITING_PER_MODEL);
  beat(peer, 0);
  beat(peer, 1);
  beat(peer, 0);
  expect(honest[0]?.last()).toMatchObject({ first: peer.peerId });
});

test('a provider that nobody of the first may be sent to is offered to those behind them with the next tick', () => {
  const { ask, provider, beat, clock } = setUp();
  const [picky, peer] = [provider(), provider()];
  for (let i = 0; i < 200; i++) ask(newPeerId(), { exclude: [peer.peerId] });
  const behind = ask();
  beat(peer, 0);
  expect(behind.last()?.first).toBe(undefined);
  clock.turn(TICK_MS);
  expect(behind.last()).toMatchObject({ first: peer.peerId });
  beat(picky, 1);
});

test('a provider that turns full and free all the time is looked at a few times a second, and not forgotten', () => {
  const { ask, provider, beat, clock } = setUp();
  const [full, flapping] = [provider(), provider()];
  let looks = 0;
  const exclude = new Proxy([flapping.peerId], {
    get(target, key) {
      if (key === 'includes') looks++;
      return Reflect.get(target, key) as unknown;
    },
  });
  const picky = ask(newPeerId(), { exclude });
  const before = looks;
  for (let i = 0; i < 2_000; i++) {
    beat(flapping, i % 2);
    clock.turn(1);
  }
  // Sixteen at once, four a second, and the look of each tick at who may still be answered.
  expect(looks - before).toBeLessThan(60);
  const anyone = ask();
  beat(flapping, 1);
  beat(flapping, 0);
  clock.turn(TICK_MS / 4);
  expect(anyone.last()).toMatchObject({ first: flapping.peerId });
  expect(picky.last()?.first).toBe(undefined);
  beat(full, 1);
});

test('a question that keeps to one who never has time ends', () => {
  const { ask, provider, beat, clock } = setUp();
  const busy = provider();
  const one = ask(newPeerId(), { only: [busy.peerId] });
  for (let s = 0; s < MAX_NAMED_WAIT_MS / 1_000; s++) {
    clock.turn(1_000);
    beat(busy, 1);
  }
  expect(one.last()?.refused).toContain('ten minutes');
});

test('beside those who only let slots be kept, an honest question has a slot within a second', () => {
  const { ask, provider, beat, clock } = setUp();
  const peer = provider({ slots: 8, busySlots: 0 });
  const hogs = Array.from({ length: 4 }, newPeerId);
  let taken = 0;
  const again = () => {
    for (const hog of hogs) {
      for (let i = 0; i < 8; i++) {
        try {
          ask(hog);
          taken++;
        } catch {
          return;
        }
      }
    }
  };
  const waited: number[] = [];
  let busy = 0;
  for (let s = 0; s < 40; s++) {
    again();
    const since = clock.now();
    const honest = ask();
    for (let ms = 0; ms < 1_000; ms += 50) {
      clock.turn(50);
      again();
      beat(peer, busy);
      if (honest.last()?.first === undefined || waited.length > s) continue;
      waited.push((honest.last()?.at ?? 0) - since);
      beat(peer, ++busy);
    }
    beat(peer, (busy = 0));
  }
  expect(taken).toBeGreaterThan(100);
  expect(waited.length).toBe(40);
  expect(Math.max(...waited)).toBeLessThanOrEqual(1_000);
});

test('who lets slots be kept for nothing keeps none from whoever comes, not even for an instant', () => {
  const { clock, ask, provider } = setUp();
  const peer = provider({ slots: 2, busySlots: 0 });
  const hog = newPeerId();
  for (let i = 0; i < 2; i++) ask(hog);
  clock.turn(PROMISE_MS);
  // From now on it gets slots for an instant, again and again.
  for (let i = 0; i < 4; i++) ask(hog);
  const somebody = ask(newPeerId(), { address: '198.51.100.7' });
  expect(somebody.told.at(-1)).toEqual({ at: clock.now(), first: peer.peerId });
});
