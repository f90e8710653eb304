import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContentId, PeerId } from '../base/ids.ts';
import { MAX_KEPT } from '../wire/candidate.ts';
import { MOST_COPIES, planReplication, targetOf, UNKNOWN_BYTES, type KeeperRoom } from './replication.ts';

const GB = 1_000_000_000;
const contentOf = (number: number) => number.toString(16).padStart(64, '0') as ContentId;
const peerOf = (number: number) => `p${number}` as PeerId;

describe('the target', () => {
  it('is the floor for what is pinned, and rises with those who ask', () => {
    const of = (pinned: boolean, askedBy: number, target = 0) => targetOf({ pinned, askedBy, target }, 3);
    expect([0, 1, 2, 4, 8].map((asked) => of(true, asked))).toEqual([3, 3, 4, 5, 6]);
    expect([0, 1, 2, 4, 8].map((asked) => of(false, asked))).toEqual([0, 0, 2, 3, 4]);
    expect(of(true, 1e9)).toBe(MOST_COPIES);
  });

  it('does not follow every question down, but what is no longer asked for', () => {
    const of = (askedBy: number, target: number) => targetOf({ pinned: true, askedBy, target }, 3);
    expect(of(3, 5)).toBe(5);
    expect(of(1, 5)).toBe(3);
    fc.assert(
      fc.property(fc.nat({ max: 500 }), fc.nat({ max: 24 }), fc.boolean(), (askedBy, target, pinned) => {
        const next = targetOf({ pinned, askedBy, target }, 3);
        // Whatever it becomes, it stays there while the demand does.
        expect(targetOf({ pinned, askedBy, target: next }, 3)).toBe(next);
        expect(next).toBeLessThanOrEqual(MOST_COPIES);
      }),
    );
  });
});

interface World {
  peers: { network: number; roomGb: number; refuses: number[]; has: number[] }[];
  contents: { sizeGb: number | null; wanted: number }[];
}

const world: fc.Arbitrary<World> = fc.record({
  peers: fc.array(
    fc.record({
      network: fc.nat({ max: 6 }),
      roomGb: fc.nat({ max: 30 }),
      refuses: fc.array(fc.nat({ max: 5 }), { maxLength: 2 }),
      has: fc.array(fc.nat({ max: 5 }), { maxLength: 2 }),
    }),
    { maxLength: 12 },
  ),
  contents: fc.array(fc.record({ sizeGb: fc.option(fc.integer({ min: 1, max: 12 })), wanted: fc.nat({ max: 5 }) }), {
    maxLength: 6,
  }),
});

/** Plans until nothing changes, everybody doing at once what they are asked. */
function settle({ peers, contents }: World, atOnce: number) {
  const keeps = peers.map(() => new Set<number>());
  const has = peers.map((peer) => new Set(peer.has));
  const rounds: { asked: number; released: number }[] = [];
  const rooms = (): KeeperRoom[] =>
    peers.map(({ network, roomGb, refuses }, i) => ({
      ...{ peer: peerOf(i), network: String(network), roomBytes: roomGb * GB, place: i },
      keeps: [...keeps[i]!].map((one) => ({ content: contentOf(one), sizeBytes: bytesOf(contents[one]!.sizeGb) })),
      refused: new Set(refuses.map(contentOf)),
      has: new Set([...has[i]!].map(contentOf)),
    }));
  for (let round = 0; round < 60; round++) {
    const replicated = contents.map(({ sizeGb, wanted }, one) => ({
      ...{ content: contentOf(one), sizeBytes: bytesOf(sizeGb), pinned: true, askedBy: 0, target: wanted, wanted },
      copies: new Set(peers.flatMap(({ network }, i) => (has[i]!.has(one) ? [network] : []))).size,
      keepers: peers.flatMap((_, i) => (keeps[i]!.has(one) ? [peerOf(i)] : [])),
    }));
    const plan = planReplication(replicated, rooms(), atOnce);
    expect(plan.ask.length).toBeLessThanOrEqual(atOnce);
    for (const { peer, content } of plan.release) {
      keeps[Number(peer.slice(1))]!.delete(Number.parseInt(content, 16));
      has[Number(peer.slice(1))]!.delete(Number.parseInt(content, 16));
    }
    for (const { peer, content } of plan.ask) {
      const [i, one] = [Number(peer.slice(1)), Number.parseInt(content, 16)];
      expect(peers[i]!.refuses).not.toContain(one);
      expect(has[i]!.has(one)).toBe(false);
      keeps[i]!.add(one);
      has[i]!.add(one);
    }
    rounds.push({ asked: plan.ask.length, released: plan.release.length });
    if (plan.ask.length + plan.release.length === 0) break;
  }
  return { keeps, has, rounds };
}

const bytesOf = (sizeGb: number | null) => (sizeGb === null ? null : sizeGb * GB);

describe('a plan', () => {
  it('comes to rest, asks nobody for more than they have room for, and never lets go what is needed', () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 1, max: 8 }), (all, atOnce) => {
        const { keeps, has, rounds } = settle(all, atOnce);
        expect(rounds.at(-1)).toEqual({ asked: 0, released: 0 });
        all.peers.forEach(({ roomGb }, i) => {
          const used = [...keeps[i]!].reduce(
            (sum, one) => sum + (bytesOf(all.contents[one]!.sizeGb) ?? UNKNOWN_BYTES),
            0,
          );
          expect(used).toBeLessThanOrEqual(roomGb * GB);
          expect(keeps[i]!.size).toBeLessThanOrEqual(MAX_KEPT);
        });
        all.contents.forEach(({ wanted, sizeGb }, one) => {
          const networks = new Set(all.peers.flatMap(({ network }, i) => (has[i]!.has(one) ? [network] : [])));
          // Whoever is still missing could not be asked: refused, without room, or not alone in their network.
          if (networks.size >= wanted) return;
          all.peers.forEach(({ network, refuses, roomGb }, i) => {
            if (networks.has(network) || refuses.includes(one)) return;
            const used = [...keeps[i]!].reduce(
              (sum, kept) => sum + (bytesOf(all.contents[kept]!.sizeGb) ?? UNKNOWN_BYTES),
              0,
            );
            expect(used + (bytesOf(sizeGb) ?? UNKNOWN_BYTES)).toBeGreaterThan(roomGb * GB);
          });
        });
      }),
      { numRuns: 400 },
    );
  });

  it('asks for the rarest first, one in each network, and lets go those asked last', () => {
    const room = (number: number, network: string, keeps: ContentId[] = []): KeeperRoom => ({
      ...{ peer: peerOf(number), network, roomBytes: 20 * GB, place: number },
      keeps: keeps.map((content) => ({ content, sizeBytes: GB })),
      ...{ refused: new Set(), has: new Set(keeps) },
    });
    const of = (number: number, copies: number, wanted: number, keepers: PeerId[] = []) => ({
      ...{
        content: contentOf(number),
        sizeBytes: GB,
        pinned: true,
        askedBy: 0,
        target: wanted,
        wanted,
        copies,
        keepers,
      },
    });
    const rooms = [room(1, 'a'), room(2, 'a'), room(3, 'b')];
    expect(planReplication([of(1, 2, 3), of(2, 0, 3)], rooms, 1).ask).toEqual([
      { peer: peerOf(1), content: contentOf(2) },
    ]);
    expect(planReplication([of(2, 0, 3)], rooms, 8).ask.map(({ peer }) => peer)).toEqual([peerOf(1), peerOf(3)]);
    const keepers = [1, 2, 3].map((number) => room(number, String(number), [contentOf(5)]));
    const many = of(
      5,
      3,
      1,
      keepers.map(({ peer }) => peer),
    );
    expect(planReplication([many], keepers, 8).release.map(({ peer }) => peer)).toEqual([peerOf(3), peerOf(2)]);
  });
});
