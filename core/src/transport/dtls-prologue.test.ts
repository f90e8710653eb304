import { describe, expect, it } from 'vitest';
import { dtlsPrologue } from './dtls-prologue.ts';

const line = (fill: string) => `a=fingerprint:sha-256 ${Array(32).fill(fill).join(':')}`;
const sdp = (...lines: string[]) =>
  ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', ...lines, 'm=application 9 DTLS/SCTP 5000', ''].join('\r\n');

describe('the prologue of a WebRTC link', () => {
  it('is the same at both ends, however each writes it', () => {
    const a = sdp(line('AB'));
    const b = sdp(line('cd'), line('cd'));
    expect(dtlsPrologue(a, b)).toEqual(dtlsPrologue(b, a));
    expect(dtlsPrologue(a, b)).toEqual(dtlsPrologue(sdp(line('CD')), a.replaceAll('\r\n', '\n').toLowerCase()));
  });

  it('changes with either certificate, and with one slipped in', () => {
    const ours = dtlsPrologue(sdp(line('aa')), sdp(line('bb')));
    expect(dtlsPrologue(sdp(line('aa')), sdp(line('cc')))).not.toEqual(ours);
    expect(dtlsPrologue(sdp(line('cc')), sdp(line('bb')))).not.toEqual(ours);
    expect(dtlsPrologue(sdp(line('aa')), sdp(line('bb'), line('cc')))).not.toEqual(ours);
    expect(dtlsPrologue(sdp(line('aa'), line('bb')), sdp(line('cc')))).not.toEqual(
      dtlsPrologue(sdp(line('aa')), sdp(line('bb'), line('cc'))),
    );
  });

  it('is refused where no certificate can be seen, or only a weak hash of it', () => {
    for (const nothing of [
      '',
      sdp(),
      sdp('a=fingerprint:sha-1 AA:BB'),
      sdp('a=fingerprint:sha-256 '),
      'x'.repeat(1e6),
    ]) {
      expect(() => dtlsPrologue(sdp(line('aa')), nothing)).toThrow(expect.objectContaining({ code: 'seal_failed' }));
    }
  });
});
