/** Pausing and coming back among real peers over memory links, in virtual time; the readings of the machine are scripted. */
import { describe, expect, it } from 'vitest';
import { advert } from '@llmesh/core/testing/scripted-server';
import { consume, never, question, World } from '@llmesh/core/testing/mesh-world';
import { ScriptedEngine } from '@llmesh/core/testing/scripted-engine';
import type { WorkerStatus } from '@llmesh/core/provide/worker-status';
import { LendingPolicy, type Pause } from './policy/lending-policy.ts';
import { Lending } from './lending.ts';
import { UNKNOWN_READING, type MachineReading } from '../sensors/machine-reading.ts';

const WORDS = ['a', 'b', 'c', 'd', 'e', 'f'];

async function lend(world: World, engine: ScriptedEngine, slots = 2) {
  const mesh = await world.join();
  const machine: { reading: Partial<MachineReading>; looks: number } = { reading: {}, looks: 0 };
  const turns: (Pause | null)[] = [];
  const statuses: WorkerStatus[] = [];
  const stop = new AbortController();
  const lending = new Lending({
    provide: (onStatus) =>
      mesh.provide({
        models: [{ advert, engine, slots }],
        maxTokensPerSecond: 1,
        onStatus,
        onFailure: (error) => world.failed.push(error),
        onHang: (error) => world.failed.push(error),
      }),
    look: async () => {
      machine.looks += 1;
      return { ...UNKNOWN_READING, ...machine.reading };
    },
    policy: new LendingPolicy({ when: 'always', onBattery: false, calmMs: 60_000 }),
    clock: world.clock,
    now: () => world.now(),
    turned: (pause) => turns.push(pause),
    onStatus: (status) => statuses.push(status),
  });
  const ended = lending.run(stop.signal);
  await world.clock.advance(0);
  return { mesh, lending, machine, turns, statuses, stop, ended, engine };
}

describe('lending', () => {
  it('paused in mid-answer: the next continues where it was, and the first is back when the computer is calm', async () => {
    const world = new World();
    const first = await lend(world, new ScriptedEngine(WORDS));
    const second = await lend(world, new ScriptedEngine(WORDS));
    const requester = await world.join();
    const asked = consume(requester.ask(question(), never));
    await world.clock.advance(2_500);
    expect([first.engine.computing, second.engine.computing]).toEqual([1, 0]);
    const before = asked.text;
    expect(before.length).toBeGreaterThan(0);

    first.machine.reading = { swapBytesPerSecond: 100 << 20 };
    await world.clock.advance(2_000);
    expect(first.lending.pause?.why).toBe('memory');
    expect(first.engine.computing).toBe(0);
    expect([...world.server.providers.keys()]).toEqual([second.mesh.self]);
    await world.clock.advance(10_000);
    expect([asked.text, asked.error]).toEqual(['abcdef', null]);
    expect(second.engine.prefixes[0]?.text.startsWith(before)).toBe(true);
    // A provider that pauses is not to blame.
    expect(world.failed).toEqual([]);

    first.machine.reading = { swapBytesPerSecond: 0 };
    await world.clock.advance(40_000);
    expect(first.lending.pause?.why).toBe('memory');
    await world.clock.advance(30_000);
    expect(first.lending.pause).toBeNull();
    expect(new Set(world.server.providers.keys())).toEqual(new Set([first.mesh.self, second.mesh.self]));
    expect(first.turns.map((pause) => pause?.why ?? null)).toEqual([null, 'memory', null]);
  });

  it('counts on over pauses, and answers again afterwards', async () => {
    const world = new World();
    const only = await lend(world, new ScriptedEngine(['x']));
    const requester = await world.join();
    const before = consume(requester.ask(question(), never));
    await world.clock.advance(3_000);
    expect(before.text).toBe('x');
    only.machine.reading = { onBattery: true };
    await world.clock.advance(2_000);
    const refused = consume(requester.ask(question(), never));
    await world.clock.advance(60_000);
    expect([refused.text, refused.error?.code]).toEqual(['', 'no_provider']);
    only.machine.reading = { onBattery: false };
    await world.clock.advance(64_000);
    const after = consume(requester.ask(question(), never));
    await world.clock.advance(3_000);
    expect(after.text).toBe('x');
    expect(only.statuses.at(-1)).toMatchObject({ answers: 2, tokens: 2, busySlots: 0 });
  });

  it('that begins in a pause offers nothing until it is over', async () => {
    const world = new World();
    const mesh = await world.join();
    let discharging = true;
    let offers = 0;
    const stop = new AbortController();
    const ended = new Lending({
      provide: (onStatus) => {
        offers += 1;
        const more = { maxTokensPerSecond: null, onStatus, onFailure: () => {}, onHang: () => {} };
        return mesh.provide({ models: [{ advert, engine: new ScriptedEngine(['x']), slots: 1 }], ...more });
      },
      look: async () => ({ ...UNKNOWN_READING, onBattery: discharging }),
      policy: new LendingPolicy({ when: 'always', onBattery: false, calmMs: 1_000 }),
      clock: world.clock,
      now: () => world.now(),
      turned: () => {},
      onStatus: () => {},
    }).run(stop.signal);
    await world.clock.advance(10_000);
    expect([offers, world.server.providers.size]).toEqual([0, 0]);
    discharging = false;
    await world.clock.advance(6_000);
    expect([offers, world.server.providers.size]).toEqual([1, 1]);
    stop.abort();
    await ended;
  });

  it('ends when it is stopped, paused or not, takes its offer back and looks no more', async () => {
    const world = new World();
    const lent = await lend(world, new ScriptedEngine(WORDS));
    const paused = await lend(world, new ScriptedEngine(WORDS));
    paused.machine.reading = { onBattery: true };
    await world.clock.advance(2_000);
    expect([...world.server.providers.keys()]).toEqual([lent.mesh.self]);
    lent.stop.abort();
    paused.stop.abort();
    await Promise.all([lent.ended, paused.ended]);
    await world.clock.advance(0);
    expect(world.server.providers.size).toBe(0);
    const { looks } = lent.machine;
    await world.clock.advance(60_000);
    expect(lent.machine.looks).toBe(looks);
  });
});
