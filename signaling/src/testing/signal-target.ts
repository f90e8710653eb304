/** For the fuzzer: what the control plane lets through to PeerServer, which takes anything and may crash over it. */
import type { PeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import type { FuzzTarget } from '@llmesh/core/fuzz/fuzz';
import { networksOf } from '../sockets/address.ts';
import { SignalGuard, AbsentQueues } from '../signal/signal-guard.ts';
import { SignalTraffic } from '../signal/signal-traffic.ts';

const dst = 'b'.repeat(32);
const sdp = { type: 'offer', sdp: 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n' };
const candidate = { candidate: 'candidate:1 1 UDP 1 192.0.2.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };
const common = { type: 'data', connectionId: 'dc_1', browser: 'chrome' };
const signals = [
  { type: 'HEARTBEAT' },
  { type: 'OFFER', dst, payload: { ...common, sdp, label: 'dc_1', reliable: true, serialization: 'raw' } },
  { type: 'ANSWER', dst, payload: { ...common, sdp: { ...sdp, type: 'answer' } } },
  { type: 'CANDIDATE', dst, payload: { ...common, candidate } },
];
const TYPES = new Set(signals.map(({ type }) => type));

export function signalTarget(): FuzzTarget {
  const write = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const clock = new ManualClock();
  const sender = { peer: 'a'.repeat(32) as PeerId, from: networksOf('192.0.2.1') };
  const run = (input: Uint8Array) => {
    // A fresh one each time: this message is judged, and not how many there were.
    const waiting = new AbsentQueues(clock, () => true, 1_000);
    const guard = new SignalGuard(clock, waiting, new SignalTraffic(clock), sender);
    const { pass } = guard.judge(Buffer.from(input), false);
    if (!pass) return false;
    const message = JSON.parse(new TextDecoder().decode(input)) as Record<string, unknown>;
    const addressed = typeof message['dst'] === 'string' && typeof message['payload'] === 'object';
    if (!TYPES.has(String(message['type'])) || (message['type'] !== 'HEARTBEAT' && !addressed))
      throw new Error('let through what PeerJS does not say');
    return true;
  };
  return { name: 'PeerJS → server', weight: 40, seeds: signals.map(write), values: signals, write, run };
}
