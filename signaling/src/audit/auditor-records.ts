/**
 * What each auditor's word is worth: how often another confirmed it, and how often the others contradicted it. One that is
 * contradicted again and again is not drawn any more; one that cannot check something loses nothing by it.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { PeerId } from '@llmesh/core/base/ids';

export interface AuditorRecord {
  readonly agreed: number;
  readonly against: number;
  readonly abstained: number;
}

/** Auditors that are remembered in memory. */
export const MAX_AUDITORS = 20_000;
/** Being contradicted once happens to anyone: the other may be the liar. */
const FORGIVEN = 1;
/** Beyond that, no more than one in so many. */
const ONE_IN = 10;
export const NEW_AUDITOR: AuditorRecord = { agreed: 0, against: 0, abstained: 0 };

export function isCredible({ agreed, against }: AuditorRecord): boolean {
  return against <= FORGIVEN || against * ONE_IN <= agreed + against;
}

export class AuditorRecords {
  readonly #records: BoundedMap<PeerId, AuditorRecord>;

  constructor(kept: Iterable<readonly [PeerId, AuditorRecord]>) {
    this.#records = new BoundedMap(MAX_AUDITORS);
    for (const [peer, record] of kept) this.#records.set(peer, record);
  }

  of(peer: PeerId): AuditorRecord {
    return this.#records.get(peer) ?? NEW_AUDITOR;
  }

  /** Its record with one more of these, to be kept and `put`. */
  with(peer: PeerId, what: keyof AuditorRecord): AuditorRecord {
    const before = this.of(peer);
    return { ...before, [what]: before[what] + 1 };
  }

  put(peer: PeerId, record: AuditorRecord): void {
    this.#records.set(peer, record);
  }
}
