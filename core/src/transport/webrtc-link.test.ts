/** A link on a connection that stands in for PeerJS's, whose timing no test can force. */
import { expect, it } from 'vitest';
import { newPeerId } from '../base/ids.ts';
import { WebRtcLink, type PeerJsConnection } from './webrtc-link.ts';
import { HIGH_WATER_BYTES } from './transport.ts';
import { BrokenWhileSealing } from './link-end.ts';

const SDP = 'v=0\r\na=fingerprint:sha-256 AA:BB:CC\r\n';

function connected(peerConnection: PeerJsConnection['peerConnection']) {
  const listeners = new Map<string, (value: never) => void>();
  let closes = 0;
  const connection: PeerJsConnection = {
    peer: newPeerId(),
    connectionId: 'dc_1',
    dataChannel: null,
    peerConnection,
    on: (event: string, listener: (value: never) => void) => listeners.set(event, listener),
    close: () => closes++,
  };
  const link = new WebRtcLink(connection, newPeerId(), () => {}, null);
  const arrive = (data: unknown) => listeners.get('data')?.(data as never);
  return { link, arrive, closes: () => closes };
}

it.each([
  ['without its WebRTC connection', null],
  ['without descriptions', { localDescription: { sdp: SDP }, remoteDescription: null }],
])('that PeerJS has closed already, %s, is one that broke', (_what, peerConnection) => {
  expect(() => connected(peerConnection).link.prologue()).toThrow(BrokenWhileSealing);
});

it('whose descriptions hold no fingerprint cannot be sealed, and no other try helps', () => {
  const blank = { sdp: 'v=0\r\n' };
  const { link } = connected({ localDescription: blank, remoteDescription: blank });
  expect(() => link.prologue()).toThrow(expect.objectContaining({ code: 'seal_failed' }));
});

it('keeps what comes before its owner listens, in order, and closes when that is too much', () => {
  const { link, arrive, closes } = connected(null);
  for (const n of [1, 2, 3]) arrive(new Uint8Array([n]).buffer);
  arrive('text');
  const got: Uint8Array[] = [];
  link.receive = (fragment) => got.push(fragment);
  expect(got.map((fragment) => [...fragment])).toEqual([[1], [2], [3], []]);

  const unheard = connected(null);
  for (let bytes = 0; bytes <= HIGH_WATER_BYTES; bytes += 65_536) unheard.arrive(new ArrayBuffer(65_536));
  expect(unheard.closes()).toBe(1);
  expect(closes()).toBe(0);
  let told = 0;
  unheard.link.closed = () => told++;
  expect(told).toBe(1);
});
