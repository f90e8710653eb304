import { describe, expect, it } from 'vitest';
import { newPeerId, type ContentId, type PeerId } from '@llmesh/core/base/ids';
import { MAX_HELD, MAX_HOLDERS } from '@llmesh/core/wire/candidate';
import { networksOf } from '../sockets/address.ts';
import { Holdings, type HoldingPeer } from './holdings.ts';

const asker = newPeerId();
const content = (n: number) => n.toString(16).padStart(64, '0') as ContentId;
const peerAt = (address: string, peer: PeerId = newPeerId()): HoldingPeer => ({
  peer,
  from: networksOf(address),
  certificate: null,
});
const held = (n: number, whole = true) => ({ content: content(n), sha256: null, whole });
const opened = (most = 1_000, shunned = new Set<PeerId>()) =>
  new Holdings({ random: Math.random, isShunned: (peer) => shunned.has(peer), most });
const wanted = (n: number) => ({ content: content(n), sha256: null });

describe('who has a model', () => {
  it('is whoever said so last, except the asker and those that nobody is sent to', () => {
    const shunned = new Set<PeerId>();
    const holdings = opened(1_000, shunned);
    const [a, b, c] = [peerAt('9.0.0.1'), peerAt('9.1.0.1'), peerAt('9.2.0.1')];
    for (const peer of [a, b, c]) holdings.hold(peer, [held(1), held(2, false)]);
    expect(holdings.copies(content(1))).toEqual({ whole: 3, begun: 0 });
    expect(holdings.find(wanted(2), asker).map(({ whole }) => whole)).toEqual([false, false, false]);
    holdings.hold(a, [held(2)]);
    expect(holdings.find(wanted(2), asker)[0]).toEqual({
      peerId: a.peer,
      content: content(2),
      whole: true,
      certificate: null,
    });
    shunned.add(b.peer);
    expect(holdings.find(wanted(1), c.peer)).toEqual([]);
    holdings.leave(c);
    holdings.leave(c);
    expect(holdings.find(wanted(1), asker)).toEqual([]);
    expect(holdings.find(wanted(3), asker)).toEqual([]);
  });

  it('is found by the hash of its only file, under every content id that is named for it', () => {
    const holdings = opened();
    const sha256 = 'ab'.repeat(32);
    const [honest, liar] = [peerAt('9.0.0.1'), peerAt('9.1.0.1')];
    holdings.hold(honest, [{ content: content(1), sha256, whole: true }]);
    holdings.hold(liar, [{ content: content(6), sha256, whole: true }]);
    const found = holdings.find({ content: null, sha256 }, asker);
    expect(found.map((one) => one.content).toSorted()).toEqual([content(1), content(6)]);
    expect(holdings.find({ content: null, sha256: null }, asker)).toEqual([]);
    expect(holdings.find({ content: content(1), sha256: 'cd'.repeat(32) }, asker)).toEqual([]);
    holdings.hold(honest, [{ content: content(1), sha256: null, whole: true }]);
    expect(holdings.find({ content: null, sha256 }, asker).map(({ peerId }) => peerId)).toEqual([liar.peer]);
  });

  it('keeps some places for those that have only begun, and never names more than fit', () => {
    const holdings = opened();
    for (let i = 0; i < 40; i++) holdings.hold(peerAt(`9.${i}.0.1`), [held(1)]);
    for (let i = 0; i < 2; i++) holdings.hold(peerAt(`8.${i}.0.1`), [held(1, false)]);
    const found = holdings.find(wanted(1), asker);
    expect(found).toHaveLength(MAX_HOLDERS);
    expect(found.filter(({ whole }) => !whole)).toHaveLength(2);
    expect(found.findLastIndex(({ whole }) => whole)).toBe(MAX_HOLDERS - 3);
  });

  it('shows an honest one among a hundred identities of one network', () => {
    const holdings = opened();
    for (let i = 0; i < 100; i++) holdings.hold(peerAt('6.6.6.6'), [held(1)]);
    const honest = peerAt('9.0.0.1');
    holdings.hold(honest, [held(1)]);
    for (let i = 0; i < 20; i++) {
      expect(holdings.find(wanted(1), asker).map(({ peerId }) => peerId)).toContain(honest.peer);
    }
  });

  it('has room for newcomers, however much one network claims to have', () => {
    const holdings = opened(640);
    for (let i = 0; i < 20; i++) {
      holdings.hold(
        peerAt('6.6.6.6'),
        Array.from({ length: MAX_HELD }, (_, n) => held(1_000 * (i + 1) + n)),
      );
    }
    expect(holdings.size).toBe(640);
    const honest = peerAt('9.0.0.1');
    holdings.hold(honest, [held(1), held(2)]);
    expect(holdings.find(wanted(2), asker).map(({ peerId }) => peerId)).toEqual([honest.peer]);
    expect(holdings.size).toBe(640);
    holdings.leave(honest);
    expect(holdings.size).toBe(638);
  });
});
