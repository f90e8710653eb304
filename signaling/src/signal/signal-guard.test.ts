import { expect, test } from 'vitest';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { networksOf } from '../sockets/address.ts';
import { SignalGuard, AbsentQueues } from './signal-guard.ts';
import { SignalTraffic } from './signal-traffic.ts';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { fuzz } from '@llmesh/core/fuzz/fuzz';
import { signalTarget } from '../testing/signal-target.ts';

function setUp(here: PeerId[] = []) {
  const clock = new ManualClock();
  const waiting = new AbsentQueues(clock, (peer) => here.includes(peer), 6000);
  const sender = { peer: newPeerId(), from: networksOf('192.0.2.1') };
  const guard = new SignalGuard(clock, waiting, new SignalTraffic(clock), sender);
  const judge = (message: unknown) => {
    const verdict = guard.judge(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)), false);
    return verdict.pass ? 'pass' : verdict.close ? verdict.code : 'dropped';
  };
  return { clock, guard, judge };
}

test('what PeerJS sends passes', () => {
  const dst = newPeerId();
  const { judge } = setUp([dst]);
  const sdp = { type: 'offer', sdp: 'v=0' };
  const messages = [
    { type: 'HEARTBEAT' },
    {
      type: 'OFFER',
      dst,
      payload: { sdp, type: 'data', connectionId: 'dc_1', label: 'x', reliable: true, serialization: 'mesh' },
    },
    { type: 'ANSWER', dst, payload: { sdp, type: 'data', connectionId: 'dc_1' } },
    {
      type: 'CANDIDATE',
      dst,
      payload: { candidate: { candidate: 'candidate:1' }, type: 'data', connectionId: 'dc_1' },
    },
  ];
  expect(messages.map(judge)).toEqual(messages.map(() => 'pass'));
});

test.each([
  ['no JSON', '{'],
  ['null', 'null'],
  ['a list', '[]'],
  ['an unknown type', { type: 'NONSENSE' }],
  ["a type that is the server's to say", { type: 'EXPIRE', dst: newPeerId() }],
  ['a goodbye, which would leave the socket without a client', { type: 'LEAVE' }],
  ['no receiver', { type: 'OFFER', payload: {} }],
  ['a receiver that is no text', { type: 'OFFER', dst: { toString: 1 }, payload: {} }],
  ['a receiver that is no peer', { type: 'OFFER', dst: '__proto__', payload: {} }],
  ['no payload', { type: 'OFFER', dst: newPeerId() }],
  [
    'a nesting that overflows a stack',
    `{"type":"OFFER","dst":"${newPeerId()}","payload":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`,
  ],
])('refuses %s', (_what, message) => {
  expect(setUp().judge(message)).toBe('bad_message');
});

test('refuses binary', () => {
  expect(setUp().guard.judge(Buffer.from('{"type":"HEARTBEAT"}'), true)).toMatchObject({
    pass: false,
    code: 'bad_message',
  });
});

test('refuses a flood of messages, and of bytes in few messages', () => {
  const { judge } = setUp();
  const verdicts = Array.from({ length: 401 }, () => judge({ type: 'HEARTBEAT' }));
  expect(verdicts.indexOf('rate_limited')).toBeGreaterThan(390);

  const dst = newPeerId();
  const large = { type: 'CANDIDATE', dst, payload: { sdp: 'x'.repeat(60_000) } };
  const { judge: judgeLarge } = setUp([dst]);
  expect(Array.from({ length: 30 }, () => judgeLarge(large)).indexOf('rate_limited')).toBe(25);
});

test('a little waits for a peer that is not here, no more, and again after it expired', () => {
  const { clock, judge } = setUp();
  const said = { type: 'CANDIDATE', dst: newPeerId(), payload: {} };
  const verdicts = Array.from({ length: 40 }, () => judge(said));
  expect(verdicts.indexOf('dropped')).toBe(32);
  expect(judge({ ...said, dst: newPeerId() })).toBe('pass');
  clock.turn(6000);
  expect(judge(said)).toBe('pass');
});

test('what waits for peers that are not here takes so much memory in all, whoever sends it', () => {
  const clock = new ManualClock();
  const waiting = new AbsentQueues(clock, () => false, 6000);
  const traffic = new SignalTraffic(clock);
  let admitted = 0;
  for (let i = 0; i < 4096; i++) {
    const message = { type: 'OFFER', dst: newPeerId(), payload: { sdp: 'x'.repeat(60_000) } };
    const sender = { peer: newPeerId(), from: networksOf(`10.${i >> 8}.${i & 255}.1`) };
    const verdict = new SignalGuard(clock, waiting, traffic, sender).judge(Buffer.from(JSON.stringify(message)), false);
    if (verdict.pass) admitted++;
  }
  expect(admitted).toBeGreaterThan(250);
  expect(admitted).toBeLessThan(300);
});

test('of that one network has a part, whatever it calls itself', () => {
  const waiting = new AbsentQueues(new ManualClock(), () => false, 6000);
  const admitted = (address: (i: number) => string) =>
    Array.from({ length: 2_000 }, (_, i) => waiting.admit(newPeerId(), 100, networksOf(address(i)))).filter(Boolean)
      .length;
  expect(admitted(() => '192.0.2.1')).toBe(512);
  expect(admitted((i) => `192.0.2.${i % 250}`)).toBe(512);
  expect(admitted(() => '198.51.100.1')).toBe(512);
});

test('whatever the bytes, it says yes or no: 10,000 frames', async () => {
  const { failure, accepted } = await fuzz([signalTarget()], { frames: 10_000, seed: 1, now: () => performance.now() });
  expect(failure).toBeNull();
  expect(accepted).toBeGreaterThan(100);
});
