/** Who lends in a mesh with cheats. */
import { toBase32 } from '@llmesh/core/base/base32';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Standpoint } from '@llmesh/signaling/audit/auditors/independence';
import type { SeededRandom } from '../random.ts';

const PEER_ID_BYTES = 20;
/** The first half of the address blocks of 1.0.0.0/8, one for each lender. */
const FIRST_BLOCK = 1;

export interface Lender extends Standpoint {
  /** It lends another model than it says. */
  readonly cheats: boolean;
  /** As an auditor it convicts everybody, but acquits cheats. */
  readonly lies: boolean;
}

export interface LenderShares {
  /** How many of them cheat, and how many lie: the same ones first, as a ring of friends would. */
  readonly cheats: number;
  readonly lyingAuditors: number;
}

export function lendersOf(count: number, { cheats, lyingAuditors }: LenderShares, random: SeededRandom): Lender[] {
  const lenders = Array.from({ length: count }, (_, i) => ({
    peerId: toBase32(random.bytes(PEER_ID_BYTES)) as PeerId,
    network: `${FIRST_BLOCK + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.1`,
    cheats: i < Math.round(count * cheats),
    lies: i < Math.round(count * lyingAuditors),
  }));
  // The ids are random: the ring does not stand side by side.
  return lenders.toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1));
}
