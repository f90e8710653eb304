import { newPeerId } from '@llmesh/core/base/ids';
import { peerName } from '@llmesh/core/identity/names';
import { describe, expect, it } from 'vitest';
import { MOST_BEADS, nameSides, pondIn, spots } from './pond.ts';

const WIDE = { width: 848, height: 528 };
const PHONE = { width: 366, height: 440 };

describe('the pond', () => {
  it.each([
    ['wide', WIDE],
    ['on a phone', PHONE],
  ])('%s: puts a few beads inside, apart, and off the visitor', (_, size) => {
    const peers = Array.from({ length: 8 }, newPeerId);
    const placed = [...spots(peers, size).values()];
    const pond = pondIn(size);
    for (const spot of placed) {
      expect(spot.x).toBeGreaterThan(0);
      expect(spot.x).toBeLessThan(size.width);
      expect(spot.y).toBeGreaterThan(0);
      expect(spot.y).toBeLessThan(size.height);
      expect(Math.hypot(spot.x - pond.x, spot.y - pond.y)).toBeGreaterThan(40);
    }
    expect(placed).toHaveLength(8);
  });

  it('keeps a bead where it is when a later one comes', () => {
    // Sixty beads stand at the closest spacing, as sixty-one do.
    const peers = Array.from({ length: 61 }, newPeerId);
    const before = spots(peers.slice(0, 60), PHONE);
    const after = spots(peers, PHONE);
    for (const [peer, spot] of before) expect(after.get(peer)).toEqual(spot);
  });

  it('takes no more beads than it has room for', () => {
    expect(spots(Array.from({ length: 500 }, newPeerId), WIDE).size).toBe(MOST_BEADS);
  });

  it('writes no name over the edge', () => {
    const beads = spots(Array.from({ length: 30 }, newPeerId), PHONE);
    for (const [peer, side] of nameSides(beads, peerName, PHONE)) {
      const { x } = beads.get(peer)!;
      const width = peerName(peer).length * 6;
      expect(side === 'left' ? x - width : PHONE.width - x - width).toBeGreaterThan(0);
    }
  });
});
