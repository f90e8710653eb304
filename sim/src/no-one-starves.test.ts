/**
 * No one starves: the control plane's own queues in virtual time, in front of too few providers, with people who pay and
 * keep asking, and people who have nothing.
 */
import { describe, expect, test } from 'vitest';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { Matchmaker } from '@llmesh/signaling/match/matchmaker';
import { MatchQueues } from '@llmesh/signaling/match/match-queues';
import { LONG_WAIT_MS } from '@llmesh/signaling/match/queue-members';
import { Reliability } from '@llmesh/signaling/match/reliability';
import { SlotPromises } from '@llmesh/signaling/match/slot-promises';
import { Registry } from '@llmesh/signaling/registry/registry';
import { loadOf, type RegisteredPeer } from '@llmesh/signaling/registry/registered-peer';
import { networksOf } from '@llmesh/signaling/sockets/address';
import { SeededRandom } from './random.ts';

const MODEL = 'm' as ModelId;
const SLOTS = 2;
/** With two slots: one turn a second. */
const ANSWER_MS = 2_000;
const BEAT_MS = 500;
const MINUTES = 10;

interface Person {
  readonly peer: PeerId;
  readonly address: string;
  readonly pays: boolean;
  readonly waits: number[];
  waitsSinceMs: number | null;
  /** A place in line as it was told last: somebody goes first because of paying. */
  isBehindPayers: boolean;
}

/** Each asks again as soon as the answer has come. */
function run(payers: number, guests: number, sharedNetwork = false) {
  const clock = new ManualClock();
  const random = new SeededRandom(7);
  const registry = new Registry(clock);
  const matchmaker = new Matchmaker(registry, new Reliability(clock), random.next);
  const promises = new SlotPromises(clock, registry);
  const queues = new MatchQueues({ clock, registry, matchmaker, promises, changed: () => {} });
  const provider = registry.join(newPeerId(), 'native');
  const about = { name: 'M', quant: 'q8', format: 'gguf', backend: 'cpu', contextTokens: 2_048 } as const;
  const model = { id: MODEL, ...about, sha256: null, tokensPerSecond: 100, continues: 'ids' } as const;
  registry.advert(provider, { models: [model], slots: SLOTS, certificate: null });
  const people = Array.from({ length: payers + guests }, (_, i): Person => {
    const pays = i < payers;
    const address = sharedNetwork ? '192.0.2.9' : `10.${i >> 8}.${i & 255}.1`;
    return { peer: newPeerId(), address, pays, waits: [], waitsSinceMs: null, isBehindPayers: false };
  });
  const answersEndMs: { person: Person; atMs: number }[] = [];
  let requestId = 0;
  const ask = (person: Person) => {
    person.waitsSinceMs = clock.now();
    const asked = {
      model: MODEL,
      requester: person.peer,
      requestId: ++requestId,
      exclude: [],
      only: null,
      prefer: null,
    };
    queues.ask({
      ...asked,
      from: networksOf(person.address),
      pays: () => person.pays,
      matched: () => {
        person.waits.push(clock.now() - person.waitsSinceMs!);
        person.waitsSinceMs = null;
        answersEndMs.push({ person, atMs: clock.now() + ANSWER_MS });
      },
      queued: ({ behindPayers = false }) => (person.isBehindPayers = behindPayers),
      refused: (error) => {
        throw error;
      },
    });
  };
  for (const person of people) ask(person);
  const told = people.filter(({ isBehindPayers }) => isBehindPayers).length;
  for (let ms = 0; ms < MINUTES * 60_000; ms += BEAT_MS) {
    clock.turn(BEAT_MS);
    const over = answersEndMs.filter(({ atMs }) => atMs <= clock.now());
    for (const one of over) answersEndMs.splice(answersEndMs.indexOf(one), 1);
    beat(provider, answersEndMs.length);
    for (const { person } of over) ask(person);
  }
  queues.close();
  const waiting = people.filter(({ waitsSinceMs }) => waitsSinceMs !== null);
  for (const person of waiting) person.waits.push(clock.now() - person.waitsSinceMs!);
  const of = (pays: boolean) => people.filter((one) => one.pays === pays).flatMap(({ waits }) => waits);
  return { paid: summed(of(true)), free: summed(of(false)), told };

  function beat(peer: RegisteredPeer, busySlots: number): void {
    registry.heard(peer);
    const before = loadOf(peer);
    registry.heartbeat(peer, { type: 'heartbeat', busySlots, queued: 0, units: 0 });
    queues.begun(peer, loadOf(peer) - before);
  }
}

function summed(waits: readonly number[]) {
  return {
    turns: waits.length,
    meanMs: waits.reduce((a, b) => a + b, 0) / waits.length,
    longestMs: Math.max(...waits),
  };
}

describe('no one starves', () => {
  test('though forty who pay ask without end: whoever has nothing has half of what would be fair', () => {
    const { paid, free, told } = run(40, 8);
    expect(told).toBe(8);
    const all = paid.turns + free.turns;
    expect(free.turns / all).toBeGreaterThan(8 / 48 / 2 - 0.005);
    // And those who pay are served sooner than they would be if nobody paid.
    const nobodyPays = run(0, 48).free;
    expect(paid.meanMs).toBeLessThan(nobodyPays.meanMs);
    expect(free.longestMs).toBeLessThan(2.2 * nobodyPays.longestMs);
  });

  test('though there are many of them: none waits for longer than their turns take', () => {
    const { paid, free } = run(20, 200);
    // Two hundred share every other turn once they have waited for long: some take more than a few minutes, none for ever.
    expect(free.longestMs).toBeLessThan(200 * 2 * ANSWER_MS + LONG_WAIT_MS);
    expect(paid.longestMs).toBeLessThan(free.longestMs);
    expect(paid.meanMs).toBeLessThan(free.meanMs / 2);
  });

  test('and nobody has less because all of them come from one network', () => {
    const { free } = run(40, 8, true);
    expect(free.turns).toBeGreaterThan(8 * 10);
  });
});
