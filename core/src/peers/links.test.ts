import { expect, it } from 'vitest';
import type { Channel } from './channel.ts';
import { newPeerId } from '../base/ids.ts';
import { Links } from './links.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { MemoryNetwork } from '../testing/memory-transport.ts';

const never = new AbortController().signal;

function setUp() {
  const clock = new ManualClock();
  const network = new MemoryNetwork();
  const host = network.join(newPeerId());
  const accepted: Channel[] = [];
  const opened = (channel: Channel) => void accepted.push(channel);
  const links = new Links(host, clock, { opened, message: () => {}, closed: () => {} });
  const visitor = () => {
    const transport = network.join(newPeerId());
    const state = { open: 0, closed: [] as number[] };
    return {
      state,
      async dial() {
        const number = state.open++;
        const link = await transport.dial(host.self, never);
        link.closed = () => state.closed.push(number);
        await clock.advance(0);
      },
    };
  };
  return { links, visitor, accepted };
}

it('keeps the newest links of one peer, and room for others', async () => {
  const { links, visitor } = setUp();
  const [greedy, other] = [visitor(), visitor()];
  await other.dial();
  for (let i = 0; i < 400; i++) await greedy.dial();
  expect(greedy.state.closed).toEqual(Array.from({ length: 392 }, (_, i) => i));
  await other.dial();
  expect(other.state.closed).toEqual([]);
  links.close();
});

it('has room for the newest when there are too many peers: the one that was idle longest gives way', async () => {
  const { links, visitor } = setUp();
  const visitors = Array.from({ length: 300 }, visitor);
  for (const one of visitors) await one.dial();
  expect(visitors.map(({ state }) => state.closed.length)).toEqual([
    ...Array.from({ length: 44 }, () => 1),
    ...Array.from({ length: 256 }, () => 0),
  ]);
  links.close();
});

it('keeps those that wait for an answer, and refuses the newest when all do', async () => {
  const { links, visitor, accepted } = setUp();
  const asking = visitor();
  await asking.dial();
  accepted[0]!.hold(true);
  const crowd = Array.from({ length: 400 }, visitor);
  for (const one of crowd) await one.dial();
  expect(asking.state.closed).toEqual([]);
  for (const channel of accepted) if (channel.open) channel.hold(true);
  const late = visitor();
  await late.dial();
  expect(late.state.closed).toEqual([0]);
  links.close();
});
