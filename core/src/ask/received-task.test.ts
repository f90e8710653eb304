import { describe, expect, it } from 'vitest';
import { toBase32 } from '../base/base32.ts';
import type { Clock } from '../base/clock.ts';
import { Delivery, MAX_UNACKNOWLEDGED_UNITS } from '../provide/delivery.ts';
import type { Identity } from '../identity/identity.ts';
import { newTaskId, type ModelId } from '../base/ids.ts';
import { leaseOf, readLeases, type Leases } from '../receipts/lease.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { readAcknowledgement } from '../receipts/receipt.ts';
import { heldLease, ReceivedTask } from './received-task.ts';
import { advert, MODEL, ScriptedServer } from '../testing/scripted-server.ts';
import { newIdentity } from '../testing/mesh-world.ts';
import type { Leased } from '../wire/candidate.ts';

const requester = newIdentity();
const provider = newIdentity().peerId;
const commitment = new Uint8Array(32).fill(5);
const piece = new Uint8Array([1]);

async function setUp(changes: { clock?: Clock; identity?: Identity; lease?: Partial<Leases> } = {}) {
  const clock = new ManualClock();
  const lease = await new ScriptedServer().lease({
    requester: requester.peerId,
    providers: [provider],
    ...changes.lease,
  });
  const peer = {
    peerId: provider,
    agent: 'native',
    slots: 1,
    busySlots: 0,
    queued: 0,
    reliability: 1,
    certificate: null,
  } as const;
  const candidate: Leased = { ...peer, model: advert, lease: toBase32(lease) };
  const taskId = newTaskId();
  const acknowledged: Uint8Array[] = [];
  const failures: unknown[] = [];
  const held = heldLease(candidate, requester.peerId, { task: 'chat', model: MODEL });
  const answer = new ReceivedTask({
    taskId,
    provider,
    lease: held,
    commitment,
    maxUnits: 100_000,
    maxInputUnits: 1_000,
    identity: changes.identity ?? requester,
    clock: changes.clock ?? clock,
    acknowledge: (bytes) => acknowledged.push(bytes),
    failed: (thrown) => failures.push(thrown),
  });
  const { nonce } = leaseOf(readLeases(lease)!, provider)!;
  const delivery = new Delivery({
    taskId,
    requester: requester.peerId,
    provider,
    leaseNonce: nonce,
    commitment,
  });
  /** So many units more, at both ends. */
  const write = (units: number) => {
    const chunk = { index: delivery.chain.units, units, piece };
    delivery.add(chunk);
    answer.add(chunk);
  };
  const unitsOf = () => acknowledged.map((bytes) => readAcknowledgement(bytes)?.units);
  return { clock, answer, delivery, write, acknowledged, unitsOf, failures };
}

const soon = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a requester', () => {
  it('signs for a slow answer every 32 tokens', async () => {
    const { clock, write, unitsOf } = await setUp();
    for (let i = 0; i < 100; i++) {
      write(1);
      await clock.advance(20);
    }
    expect(unitsOf()).toEqual([32, 64, 96]);
  });

  it('signs for a fast one ten times a second, for all that is due by then, in order', async () => {
    const { clock, write, delivery, acknowledged, unitsOf } = await setUp();
    for (let i = 0; i < 100; i++) {
      write(20);
      await clock.advance(10);
    }
    await clock.advance(100);
    expect(acknowledged.length).toBeGreaterThan(8);
    expect(acknowledged.length).toBeLessThan(12);
    expect(unitsOf()).toEqual(unitsOf().toSorted((a, b) => a! - b!));
    for (const bytes of acknowledged) delivery.acknowledge(bytes);
    expect(delivery.unacknowledgedUnits).toBeLessThan(32);
  });

  it('keeps a provider writing even where timers never run, as in a hidden tab', async () => {
    let nowMs = 0;
    const { write, delivery, acknowledged } = await setUp({ clock: { now: () => nowMs, after: () => () => {} } });
    for (let i = 0; i < 300; i++) {
      write(20);
      nowMs += 50;
      await soon();
      for (const bytes of acknowledged.splice(0)) delivery.acknowledge(bytes);
      expect(delivery.unacknowledgedUnits).toBeLessThan(MAX_UNACKNOWLEDGED_UNITS);
    }
  });

  it('signs for every last token when the answer breaks off, once', async () => {
    const { answer, clock, write, delivery, acknowledged, unitsOf } = await setUp();
    write(32);
    write(7);
    answer.breakOff();
    answer.breakOff();
    await clock.advance(1_000);
    expect(unitsOf()).toEqual([39]);
    delivery.acknowledge(acknowledged[0]!);
    expect(delivery.unacknowledgedUnits).toBe(0);
  });

  it('signs for nothing when nothing came, or nothing more', async () => {
    const { answer, clock, unitsOf } = await setUp();
    answer.breakOff();
    await clock.advance(1_000);
    expect(unitsOf()).toEqual([]);
    const other = await setUp();
    other.write(32);
    await other.clock.advance(1_000);
    other.answer.breakOff();
    await other.clock.advance(1_000);
    expect(other.unitsOf()).toEqual([32]);
  });

  it('never signs for more than it asked for', async () => {
    const { answer, clock, unitsOf } = await setUp();
    expect(() => answer.add({ index: 0, units: 100_001, piece })).toThrow(
      expect.objectContaining({ code: 'bad_message' }),
    );
    answer.breakOff();
    await clock.advance(1_000);
    expect(unitsOf()).toEqual([]);
  });

  it('says when its key does not sign', async () => {
    const broken: Identity = { ...requester, sign: () => Promise.reject(new Error('the key is gone')) };
    const { clock, write, failures, unitsOf } = await setUp({ identity: broken });
    write(32);
    await clock.advance(1_000);
    expect(failures).toHaveLength(1);
    expect(unitsOf()).toEqual([]);
  });

  it.each<[string, Partial<Leases>]>([
    ['another requester', { requester: provider }],
    ['another provider', { providers: [requester.peerId] }],
    ['another model', { model: 'other' as ModelId }],
    ['another kind of task', { task: 'embedding' }],
  ])('asks nobody with a lease for %s', async (_, lease) => {
    await expect(setUp({ lease })).rejects.toMatchObject({ code: 'lease_refused' });
  });
});
