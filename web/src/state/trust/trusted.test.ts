import { newPeerId } from '@llmesh/core/base/ids';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../store.ts';
import { MAX_TRUSTED, Trusted } from './trusted.svelte.ts';

function setUp(store = new MemoryStore()) {
  const seen = { changes: 0 };
  const failed = (error: unknown) => {
    throw error;
  };
  const trusted = new Trusted({ store, now: () => 1_000, failed, changed: () => (seen.changes += 1) });
  return { store, trusted, seen };
}

describe('Trusted', () => {
  it('is kept, newest first, and can be taken back', async () => {
    const { store, trusted, seen } = setUp();
    const [a, b] = [newPeerId(), newPeerId()];
    trusted.trust(a, false);
    trusted.trust(b, true);
    trusted.trust(b, true);
    await trusted.settled();
    const later = setUp(store).trusted;
    await later.restore();
    expect(later.list).toEqual([
      { peerId: b, native: true, since: 1_000 },
      { peerId: a, native: false, since: 1_000 },
    ]);
    later.untrust(b);
    await later.settled();
    await trusted.restore();
    expect([trusted.has(a), trusted.has(b), seen.changes]).toEqual([true, false, 3]);
  });

  it('holds no more than a question can name', async () => {
    const { trusted } = setUp();
    const first = newPeerId();
    trusted.trust(first, false);
    for (let i = 1; i < MAX_TRUSTED; i++) trusted.trust(newPeerId(), false);
    const over = newPeerId();
    trusted.trust(over, false);
    await trusted.settled();
    expect([trusted.full, trusted.list.length, trusted.has(over), trusted.has(first)]).toEqual([
      true,
      MAX_TRUSTED,
      false,
      true,
    ]);
  });

  it('does not bring back whom another tab took off', async () => {
    const { store, trusted: one } = setUp();
    const { trusted: other } = setUp(store);
    const [a, b] = [newPeerId(), newPeerId()];
    one.trust(a, false);
    await one.settled();
    await other.restore();
    other.untrust(a);
    await other.settled();
    one.trust(b, false);
    await one.settled();
    expect([one.has(a), one.has(b)]).toEqual([false, true]);
  });

  it('trusts nobody because of what cannot be read', async () => {
    const good = { peerId: newPeerId(), native: false, since: 1 };
    const many = Array.from({ length: 1_000 }, () => ({ ...good, peerId: newPeerId() }));
    const kept: [unknown, number][] = [
      ['nonsense', 0],
      [{ length: 3 }, 0],
      [
        [
          null,
          7,
          { ...good, peerId: 'UPPER' },
          { ...good, since: -1 },
          { ...good, since: NaN },
          { ...good, since: 1e300 },
        ],
        0,
      ],
      [[good, good, { ...good, since: 2 }], 1],
      [many, MAX_TRUSTED],
    ];
    for (const [value, count] of kept) {
      const { store, trusted } = setUp();
      await store.set([['trusted', value]]);
      await trusted.restore();
      expect(trusted.list.length).toBe(count);
    }
  });
});
