/** Attacks on what emission pays for keeping models: `signaling/src/keeping`. */
import type { ContentId } from '@llmesh/core/base/ids';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import { shareOfBytes } from '@llmesh/core/ledger/rules/storage';
import { parameterKey } from '@llmesh/core/ledger/keys';
import { isTimely } from '@llmesh/core/models/swarm/storage-check';
import { drawAuditors } from '@llmesh/core/proof/draw';
import { LEAVES_ASKED, storageCheck } from '@llmesh/core/proof/keeping/storage-report';
import { storageShares } from '@llmesh/signaling/keeping/storage-pay';
import { MAX_MISSED } from '@llmesh/signaling/keeping/storage-checks';
import { arena, type Arena, type Figure } from '../arena.ts';
import type { EconomyPeer } from '../economy-peer.ts';

const HOUR_MS = 3_600_000;
const HOURS = 24;
const FARM = 100;
const COPY = { content: 'cd'.repeat(32) as ContentId, sizeBytes: 8_589_934_592 };
const SHARE = shareOfBytes(COPY.sizeBytes);
/** A piece, which is what programs of the mesh fetch, and a leaf, which a program made for it might. */
const [PIECE_BYTES, LEAF_BYTES] = [1_048_576, 16_384];
/** The way to whoever has the bytes, and how fast they come from there: in the same town, or on another continent. */
const [WAY_MS, BYTES_PER_MS] = [
  [5, 200],
  [500, 20_000],
] as const;
/** What an honest keeper's disk and processor take for a leaf, at work or not. */
const DISK_MS = [3, 150] as const;

/** As many who hold nothing and say that they do, in a network each, as honest keepers; each hour decides who is paid. */
async function hours(
  place: Arena,
  isPaid: (cheat: EconomyPeer, hour: number) => boolean,
): Promise<{ cheated: number; earned: number; paidHours: number }> {
  const { economy, attackers, honest, askers } = place;
  const [start, before] = [economy.wealth(attackers), economy.wealth(honest)];
  let paidHours = 0;
  for (let hour = 0; hour < HOURS; hour++) {
    economy.pass(HOUR_MS);
    const paid = attackers.filter((cheat) => isPaid(cheat, hour));
    paidHours += paid.length;
    const shares = [...paid, ...honest].map((peer) => [peer, SHARE] as const);
    await economy.storage(shares, askers[0]!, COPY);
  }
  return { cheated: economy.wealth(attackers) - start, earned: economy.wealth(honest) - before, paidHours };
}

/** A hundred keys in one network that say they keep the same model, beside a hundred honest keepers. */
export async function storageFarm(seed: number): Promise<Figure> {
  const { economy, attackers, honest, askers } = await arena(seed, FARM);
  economy.state.set(parameterKey('storage-cap'), [PARAMETERS['storage-cap'].max, economy.ms]);
  const [start, before] = [economy.wealth(attackers), economy.wealth(honest)];
  const copies = [
    ...attackers.map((peer) => ({ ...COPY, peer, keeper: peer.id, network: '70.0.0.0/24' })),
    ...honest.map((peer) => ({ ...COPY, peer, keeper: peer.id, network: peer.network })),
  ];
  for (let hour = 0; hour < HOURS; hour++) {
    economy.pass(HOUR_MS);
    const shares = storageShares(copies).map(({ copy, share }) => [copy.peer, share] as const);
    await economy.storage(shares, askers[0]!, COPY);
  }
  const [farmed, earned] = [economy.wealth(attackers) - start, economy.wealth(honest) - before];
  return {
    // Keeping is paid for: the farm should get what one honest keeper gets.
    ...{ start, end: start + farmed - earned / FARM, honest: start },
    note: `${FARM} keys together were paid ${((farmed * FARM) / earned).toFixed(2)} times what one honest keeper was`,
  };
}

/** Keepers without the bytes, who fetch each leaf that they are asked for from somebody who has them. */
export async function fetchedOnDemand(seed: number): Promise<Figure> {
  const place = await arena(seed, FARM);
  const { economy, attackers, honest } = place;
  const { random } = economy;
  const ways = new Map(
    attackers.map((peer) => [peer, { ms: random.logUniform(...WAY_MS), pace: random.logUniform(...BYTES_PER_MS) }]),
  );
  const leaves = (ms: () => number) => isTimely(Array.from({ length: LEAVES_ASKED }, ms), 0);
  const inTime = (peer: EconomyPeer, bytes: number) => {
    const { ms, pace } = ways.get(peer)!;
    return leaves(() => ms + bytes / pace + random.between(...DISK_MS));
  };
  const missed = new Map<EconomyPeer, number>();
  const start = economy.wealth(attackers);
  const { cheated, earned, paidHours } = await hours(place, (peer) => {
    const before = missed.get(peer) ?? 0;
    if (before >= MAX_MISSED) return false;
    const paid = inTime(peer, PIECE_BYTES);
    missed.set(peer, Math.max(0, before + (paid ? -1 : 1)));
    return paid;
  });
  const share = (of: number, all: number) => `${((100 * of) / all).toFixed(0)} %`;
  const near = attackers.filter((peer) => inTime(peer, LEAF_BYTES)).length;
  const honestly = honest.filter(() => leaves(() => random.logUniform(...DISK_MS))).length;
  return {
    ...{ start, end: start + cheated - earned, honest: start },
    note: `paid for ${share(paidHours, FARM * HOURS)} of the hours, honest keepers in time in ${share(honestly, FARM)}; with a program that fetches only the leaf ${share(near, FARM)} would be in time`,
  };
}

/** A third of all keepers hold nothing, and say of each other that they do. Who asks is drawn. */
export async function vouching(seed: number): Promise<Figure> {
  const place = await arena(seed, FARM / 4);
  const { economy, attackers, honest, askers } = place;
  const ring = new Set(attackers.map(({ id }) => id));
  const keepers = [...attackers, ...honest, ...askers].map(({ id }) => id);
  const missed = new Map<EconomyPeer, number>();
  const start = economy.wealth(attackers);
  const { cheated, earned, paidHours } = await hours(place, (peer, hour) => {
    const before = missed.get(peer) ?? 0;
    if (before >= MAX_MISSED) return false;
    const others = keepers.filter((id) => id !== peer.id);
    const [asker] = drawAuditors(economy.random.bytes(64), storageCheck(hour, peer.id, COPY.content), others, 1);
    const paid = ring.has(asker!);
    missed.set(peer, Math.max(0, before + (paid ? -1 : 1)));
    return paid;
  });
  const left = attackers.filter((peer) => (missed.get(peer) ?? 0) < MAX_MISSED).length;
  return {
    ...{ start, end: start + cheated - earned, honest: start },
    note: `${ring.size} of ${keepers.length} keepers, paid for ${((100 * paidHours) / (ring.size * HOURS)).toFixed(0)} % of the hours; ${left} of them still keep their place after a day`,
  };
}
