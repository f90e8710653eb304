import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { fromBase32, toBase32 } from './base32.ts';
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

// RFC 4648 §10, in lower case and without the padding.
test.each([
  ['', ''],
  ['f', 'my'],
  ['fo', 'mzxq'],
  ['foo', 'mzxw6'],
  ['foob', 'mzxw6yq'],
  ['fooba', 'mzxw6ytb'],
  ['foobar', 'mzxw6ytboi'],
])('%j is %j', (text, base32) => {
  const bytes = new TextEncoder().encode(text);
  expect(toBase32(bytes)).toBe(base32);
  expect(fromBase32(base32)).toEqual(bytes);
});

it('reads what it wrote, whatever the length', () => {
  for (let length = 0; length < 40; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 89 + length * 31) & 255);
    expect(fromBase32(toBase32(bytes))).toEqual(bytes);
  }
});

it('refuses another character at any place', () => {
  const text = toBase32(new Uint8Array(12).fill(0xa7));
  for (const odd of ['1', '8', 'A', '=', ' ', '\u0000', 'é', 'ａ']) {
    for (let at = 0; at < text.length; at++)
      expect(fromBase32(text.slice(0, at) + odd + text.slice(at + 1))).toBeNull();
  }
});

it('refuses lengths that no bytes have, and bits that are left over', () => {
  for (const text of ['a', 'aaa', 'aaaaaa', `${'a'.repeat(8)}a`, 'ab', `${'a'.repeat(8)}mz`]) {
    expect(fromBase32(text)).toBeNull();
  }
});
