import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isModelId, isPeerId, isTaskId, newPeerId, newTaskId } from './ids.ts';
import { peerBead, peerName } from '../identity/names.ts';

describe('ids', () => {
  it('are well-formed and their own', () => {
    const peers = new Set(Array.from({ length: 500 }, newPeerId));
    expect(peers.size).toBe(500);
    for (const peer of peers) expect(isPeerId(peer)).toBe(true);
    expect(isTaskId(newTaskId())).toBe(true);
  });

  it('are never anything else', () => {
    for (const junk of ['', 'A'.repeat(32), `${'a'.repeat(32)}\n`, 'a'.repeat(33), '../x', 7, null]) {
      expect([isPeerId(junk), isTaskId(junk)]).toEqual([false, false]);
    }
    expect(isModelId('Qwen3-8B-q4f16_1-MLC')).toBe(true);
    for (const junk of ['', '.hidden', '../x', 'a b', 'a/b', 'x'.repeat(97)]) expect(isModelId(junk)).toBe(false);
  });

  it('give a name and a bead that stay the same', () => {
    fc.assert(
      fc.property(fc.constant(null).map(newPeerId), (peer) => {
        expect(peerName(peer)).toMatch(/^[a-z]+-[a-z]+$/);
        expect(peerName(peer)).toBe(peerName(peer));
        const { colour, pattern } = peerBead(peer);
        expect([1, 2, 3, 4, 5, 6]).toContain(colour);
        expect([0, 1, 2, 3, 4, 5]).toContain(pattern);
      }),
    );
  });
});
