import { expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Link } from '@llmesh/core/transport/transport';
import { SimNetwork } from './network.ts';
import { Partitions } from './partitions.ts';
import { VirtualClock } from './virtual-clock.ts';

const [EAST, WEST] = ['east', 'west'] as PeerId[] as [PeerId, PeerId];
const never = new AbortController().signal;

async function setUp() {
  const clock = new VirtualClock();
  const partitions = new Partitions(clock, (peer) => ({ x: peer === EAST ? 0.9 : 0.1, y: 0.5 }));
  const opensAtMs = (a: PeerId, b: PeerId | null) => partitions.opensAtMs(a, b);
  const network = new SimNetwork({ clock, delayMs: () => 10, opensAtMs });
  const [east, west] = [network.join(EAST), network.join(WEST)];
  const heard: { byte: number; ms: number }[] = [];
  const closed: string[] = [];
  west.accept = (link) => {
    link.receive = ([byte = 0]) => void heard.push({ byte, ms: clock.now() });
    link.closed = () => closed.push('west');
  };
  const dial = async () => {
    let dialled: Link | null = null;
    void east.dial(WEST, never).then((link) => {
      link.closed = () => closed.push('east');
      dialled = link;
    });
    await clock.run(100);
    return dialled as Link | null;
  };
  return { clock, partitions, opensAtMs, heard, closed, dial };
}

it('what is sent over a cut arrives when it is over, in order', async () => {
  const { clock, partitions, heard, closed, dial } = await setUp();
  const link = (await dial())!;
  link.send(Uint8Array.of(1));
  partitions.begin({ x: 0.5, from: 'others', untilMs: clock.now() + 5_000 });
  link.send(Uint8Array.of(2));
  await clock.run(4_000);
  link.send(Uint8Array.of(3));
  await clock.run(2_000);
  link.send(Uint8Array.of(4));
  await clock.run(100);
  expect(heard.map(({ byte }) => byte)).toEqual([1, 2, 3, 4]);
  expect(heard.map(({ ms }) => ms)).toEqual([110, 5_110, 5_110, 6_110]);
  expect(closed).toEqual([]);
});

it('a long cut breaks the link at both ends, and nothing of it arrives', async () => {
  const { clock, partitions, heard, closed, dial } = await setUp();
  const link = (await dial())!;
  partitions.begin({ x: 0.5, from: 'others', untilMs: clock.now() + 60_000 });
  link.send(Uint8Array.of(1));
  await clock.run(16_000);
  expect(closed.toSorted()).toEqual(['east', 'west']);
  expect(await dial()).toBeNull();
  await clock.run(60_000);
  expect(heard).toEqual([]);
  expect(await dial()).not.toBeNull();
});

it('a cut from the control plane leaves peers to each other', async () => {
  const { clock, partitions, opensAtMs } = await setUp();
  partitions.begin({ x: 0.5, from: 'server', untilMs: 1_000 });
  expect(opensAtMs(EAST, WEST)).toBe(clock.now());
  expect(opensAtMs(WEST, null)).toBe(clock.now());
  expect(opensAtMs(EAST, null)).toBe(1_000);
});
