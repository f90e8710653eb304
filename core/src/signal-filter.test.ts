import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newPeerId } from './ids.ts';
import { ManualClock } from './manual-clock.ts';
import { parseSignal, SignalLimits, type Signal } from './signal-filter.ts';

const src = newPeerId();
const offer = {
  type: 'OFFER',
  src,
  payload: {
    type: 'data',
    serialization: 'raw',
    reliable: true,
    connectionId: 'dc_1',
    label: 'dc_1',
    sdp: { type: 'offer', sdp: 'v=0' },
  },
};
const candidate = (connectionId: string) => ({
  type: 'CANDIDATE',
  src,
  payload: { connectionId, candidate: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 } },
});

describe('what reaches PeerJS', () => {
  it('is what PeerJS itself sends', () => {
    expect(parseSignal(offer)).toEqual(offer);
    expect(parseSignal(candidate('dc_1'))).toEqual(candidate('dc_1'));
    expect(parseSignal({ type: 'OPEN' })).toEqual({ type: 'OPEN' });
  });

  it.each([
    ['a payload that is missing', { ...offer, payload: undefined }],
    ['an unknown serialisation', { ...offer, payload: { ...offer.payload, serialization: 'evil' } }],
    ['a video call', { ...offer, payload: { ...offer.payload, type: 'media' } }],
    ['a channel that loses messages', { ...offer, payload: { ...offer.payload, reliable: false } }],
    ['an SDP that is no SDP', { ...offer, payload: { ...offer.payload, sdp: 7 } }],
    ['a giant SDP', { ...offer, payload: { ...offer.payload, sdp: { type: 'offer', sdp: 'x'.repeat(20_000) } } }],
    ['a sender that is no peer', { ...offer, src: '../../etc' }],
    ['a LEAVE, which only a link may tell', { type: 'LEAVE', src }],
    ['an unknown type', { type: 'EVIL', src }],
    ['an error without words', { type: 'ERROR' }],
    ['nothing', null],
  ])('is never %s', (_, message) => {
    expect(parseSignal(message)).toBeNull();
  });

  it('never makes the parser throw', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        parseSignal(value);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is limited: offers a minute, candidates a connection, connections that nobody offered', async () => {
    const clock = new ManualClock();
    const limits = new SignalLimits(clock);
    const admitted = (signals: unknown[], known: boolean) =>
      signals.filter((signal) => limits.admit(parseSignal(signal) as Signal, known)).length;
    expect(
      admitted(
        Array.from({ length: 200 }, () => offer),
        false,
      ),
    ).toBe(30);
    expect(
      admitted(
        Array.from({ length: 200 }, () => candidate('dc_1')),
        true,
      ),
    ).toBe(64);
    expect(
      admitted(
        Array.from({ length: 200 }, (_, i) => candidate(`dc_x${i}`)),
        false,
      ),
    ).toBe(63);
    await clock.advance(60_001);
    expect(admitted([offer], false)).toBe(1);
  });
});
