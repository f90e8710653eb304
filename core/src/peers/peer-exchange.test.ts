/** Peers tell each other about others, whose adverts are their own words. */
import { expect, it } from 'vitest';
import { Channel, type Message } from './channel.ts';
import { Checkpoints } from './checkpoints.ts';
import { MessageReader } from '../wire/frame.ts';
import { newPeerId } from '../base/ids.ts';
import { KnownProviders } from './known-providers.ts';
import { Links } from './links.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { MemoryNetwork } from '../testing/memory-transport.ts';
import { PeerExchange } from './peer-exchange.ts';
import { advert } from '../testing/scripted-server.ts';
import type { Candidate } from '../wire/candidate.ts';

const candidate = (name: string): Candidate => ({
  peerId: newPeerId(),
  agent: 'native',
  model: { ...advert, name },
  slots: 1,
  busySlots: 0,
  queued: 0,
  reliability: 1,
  certificate: null,
});

it('leaves out what would break the link, and what is too much for one message', () => {
  const clock = new ManualClock();
  const self = newPeerId();
  const links = new Links(new MemoryNetwork().join(self), clock, { opened() {}, message() {}, closed() {} });
  const known = new KnownProviders(self, () => clock.now());
  const good = candidate('good');
  const fat = Array.from({ length: 30 }, () => {
    const one = candidate('fat');
    const adapters = Array.from({ length: 16 }, (_, i) => ({
      sha256: `${i}`.padStart(64, '0'),
      name: '\u0001'.repeat(60),
    }));
    return { ...one, model: { ...one.model, adapters, chars: 'x'.repeat(200_000) } };
  });
  known.matched([...fat, candidate('x'.repeat(100_000)), good], false);
  const checkpoints = new Checkpoints(clock);
  const exchange = new PeerExchange({ links, known, checkpoints, clock, ours: () => [] });
  const { channel, said } = listener(clock);
  exchange.handle(channel, { kind: 'REQUEST_PEERS' });
  expect(said).toMatchObject([{ kind: 'KNOWN_PEERS', peers: [{ peerId: good.peerId }] }]);
  links.close();
});

it('whoever knows enough providers asks for none, and still compares checkpoints', async () => {
  const clock = new ManualClock();
  const self = newPeerId();
  const links = new Links(new MemoryNetwork().join(self), clock, { opened() {}, message() {}, closed() {} });
  const known = new KnownProviders(self, () => clock.now());
  const many = Array.from({ length: 16 }, () => candidate('known'));
  known.matched(many, false);
  const checkpoints = new Checkpoints(clock);
  const heard: string[] = [];
  checkpoints.on('heard', (note) => heard.push(note));
  const exchange = new PeerExchange({ links, known, checkpoints, clock, ours: () => [] });
  const { channel, said } = listener(clock);
  exchange.opened(channel);
  await clock.advance(6_000);
  expect(said).toEqual([]);
  checkpoints.shown({ type: 'checkpoint', note: 'ours', from: 0, proof: [], final: false });
  exchange.opened(channel);
  await clock.advance(6_000);
  expect(said).toEqual([{ kind: 'REQUEST_PEERS', most: 0, checkpoint: 'ours' }]);
  // Its answer names nobody, and takes nobody back.
  known.told(channel.peer, [{ ...candidate('told'), ageSeconds: 0, linked: false }]);
  const before = known.providers().size;
  exchange.handle(channel, { kind: 'KNOWN_PEERS', peers: [], checkpoint: 'theirs' });
  expect([known.providers().size, heard]).toEqual([before, ['theirs']]);
  exchange.handle(channel, { kind: 'REQUEST_PEERS', most: 0 });
  expect(said.at(-1)).toEqual({ kind: 'KNOWN_PEERS', peers: [], checkpoint: 'ours' });
  links.close();
});

function listener(clock: ManualClock) {
  const said: Message[] = [];
  const reader = new MessageReader();
  const channel = new Channel(
    {
      peer: newPeerId(),
      receive: null,
      drained: null,
      closed: null,
      bufferedBytes: 0,
      close() {},
      prologue: () => new Uint8Array(0),
      path: () => Promise.resolve(null),
      send: (fragment) => {
        const message = reader.read(fragment);
        if (message !== null && message.kind !== 'PING') said.push(message);
      },
    },
    clock,
    { message() {}, closed() {} },
  );
  return { channel, said };
}
