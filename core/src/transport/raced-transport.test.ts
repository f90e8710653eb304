import { describe, expect, it } from 'vitest';
import { newPeerId, type PeerId } from '../base/ids.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { MemoryNetwork, type MemoryTransport } from '../testing/memory-transport.ts';
import { HEAD_START_MS, RacedTransport } from './raced-transport.ts';
import { transportSuite } from '../suites/transport.ts';
import type { Link } from './transport.ts';

const never = new AbortController().signal;

/** Two networks between the same two peers: the quick one, and the one that always works. */
function world() {
  const clock = new ManualClock();
  const quick = new MemoryNetwork();
  const sure = new MemoryNetwork();
  const join = (self: PeerId) => {
    const lanes: [MemoryTransport, MemoryTransport] = [quick.join(self), sure.join(self)];
    return { lanes, transport: new RacedTransport(lanes, clock) };
  };
  const a = join(newPeerId());
  const b = join(newPeerId());
  const accepted: Link[] = [];
  b.transport.accept = (link) => accepted.push(link);
  return { clock, a, b, accepted };
}

/** A link like one through two NATs that nothing opens. */
function hang(lane: MemoryTransport): void {
  lane.dial = (_peer, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

transportSuite('two memory transports, raced', async () => {
  const { a, b } = world();
  return {
    a: a.transport,
    b: b.transport,
    close: async () => [a, b].forEach(({ transport }) => transport.close()),
  };
});

describe('a raced dial', () => {
  it('takes the better way while that works, and does not bother with the other', async () => {
    const { clock, a, b, accepted } = world();
    const link = await a.transport.dial(b.transport.self, never);
    await clock.advance(10 * HEAD_START_MS);
    expect(link.peer).toBe(b.transport.self);
    expect(accepted).toHaveLength(1);
  });

  it('takes the other way when the better one hangs: after its head start, and no later', async () => {
    const { clock, a, b, accepted } = world();
    hang(a.lanes[0]);
    const dialled = a.transport.dial(b.transport.self, never);
    await clock.advance(HEAD_START_MS - 1);
    expect(accepted).toHaveLength(0);
    await clock.advance(1);
    expect((await dialled).peer).toBe(b.transport.self);
    expect(accepted).toHaveLength(1);
  });

  it('takes the other way at once when the better one fails, in dialling and in waiting to be dialled', async () => {
    const { a, b, accepted } = world();
    b.lanes[0].close();
    await a.transport.dial(b.transport.self, never);
    expect(accepted).toHaveLength(1);
    a.lanes[0].reachable = () => Promise.reject(new Error('not allowed'));
    await a.transport.reachable(never);
  });
});
