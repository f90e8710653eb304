import { describe, expect, it } from 'vitest';
import type { PeerId } from '../base/ids.ts';
import { fingerprint, peerBead, peerName } from './names.ts';

const PEER = 'qz3fkp7xaaaaaaaaaaaaaaaaaaaaaaaa' as PeerId;

describe('names', () => {
  it('tell one peer from another by the beginning of its id', () => {
    expect(fingerprint(PEER)).toBe('qz3f kp7x');
  });

  it('are the same each time, with a bead that goes with the name', () => {
    // People remember them: the words must not change.
    expect(peerName(PEER)).toBe('pale-perch');
    const { colour, pattern } = peerBead(PEER);
    expect([colour >= 1 && colour <= 6, pattern >= 0 && pattern <= 5]).toEqual([true, true]);
  });
});
