import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newPeerId } from '../base/ids.ts';
import { ManualClock } from '../testing/manual-clock.ts';
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
    ['an SDP that is not SDP', { ...offer, payload: { ...offer.payload, sdp: 7 } }],
    ['a giant SDP', { ...offer, payload: { ...offer.payload, sdp: { type: 'offer', sdp: 'x'.repeat(20_000) } } }],
    ['a sender that is not a peer', { ...offer, src: '../../etc' }],
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
    ).toBe(64);
    await clock.advance(60_001);
    expect(admitted([offer], false)).toBe(1);
  });

  it('does not let candidates pile up that nobody makes an offer for, however long it takes', async () => {
    const clock = new ManualClock();
    const limits = new SignalLimits(clock);
    let early = 0;
    for (let minute = 0; minute < 100; minute++) {
      for (let i = 0; i < 100; i++) {
        if (limits.admit(parseSignal(candidate(`dc_${minute}_${i % 10}`)) as Signal, false)) early++;
      }
      await clock.advance(60_001);
    }
    expect(early).toBe(640);
    // A candidate that came before its offer makes room when the offer comes.
    const late = { ...offer, payload: { ...offer.payload, connectionId: 'dc_0_0' } };
    expect(limits.admit(parseSignal(late) as Signal, false)).toBe(true);
    expect(limits.admit(parseSignal(candidate('dc_new')) as Signal, false)).toBe(true);
    expect(limits.admit(parseSignal(candidate('dc_newer')) as Signal, false)).toBe(false);
  });

  it('is refused when it is repeated: an offer would end its connection, an answer make it fail', () => {
    const limits = new SignalLimits(new ManualClock());
    const answer = parseSignal({
      type: 'ANSWER',
      src,
      payload: { connectionId: 'dc_1', sdp: { type: 'answer', sdp: 'v=0' } },
    }) as Signal;
    expect([false, true].map((known) => limits.admit(parseSignal(offer) as Signal, known))).toEqual([true, false]);
    expect([false, true, true].map((known) => limits.admit(answer, known))).toEqual([false, true, false]);
  });
});
