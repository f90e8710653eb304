/**
 * What each auditor's word is worth (`proof/auditor-standing.ts`), by its key. One that is contradicted again and again, or never
 * has anything to say, is only given answers that are known; one that cannot check something now and then loses nothing by it.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { PeerId } from '@llmesh/core/base/ids';
import {
  NEW_AUDITOR,
  recordAuditor,
  roleOf,
  type AuditorFate,
  type AuditorState,
} from '@llmesh/core/proof/auditor-standing';
import type { Settled } from './settle.ts';

/** Auditors that are remembered in memory. */
export const MAX_AUDITORS = 20_000;

/** Whether it may say what becomes of a provider. */
export function isHeard(state: AuditorState): boolean {
  return roleOf(state) === 'all';
}

export class AuditorRecords {
  readonly #records: BoundedMap<PeerId, AuditorState>;

  constructor(kept: Iterable<readonly [PeerId, AuditorState]>) {
    this.#records = new BoundedMap(MAX_AUDITORS);
    for (const [peer, state] of kept) this.#records.set(peer, state);
  }

  of(peer: PeerId): AuditorState {
    return this.#records.get(peer) ?? NEW_AUDITOR;
  }

  /** Its record after this, to be kept and `put`. */
  after(peer: PeerId, fate: AuditorFate): AuditorState {
    return recordAuditor(this.of(peer), fate);
  }

  /** The records of all who read an answer, after what they found together. `abstained`: could not judge it. */
  settled(
    { judges, confirmed, contradicted }: Pick<Settled, 'judges' | 'confirmed' | 'contradicted'>,
    abstained: readonly PeerId[],
    platform: ReadonlySet<PeerId>,
  ): (readonly [PeerId, AuditorState])[] {
    // Each other who is contradicted with it takes one voice away: else it would count how many of them might lie, too.
    const voices = confirmed.map((peer) => ({ platform: platform.has(peer) }));
    const by = voices.toSorted((a, b) => Number(a.platform) - Number(b.platform)).slice(contradicted.length - 1);
    const tested = new Set([...confirmed, ...contradicted]);
    const alone = judges.filter((peer) => !tested.has(peer) && this.of(peer).inARow > 0);
    return [
      ...confirmed.map((peer) => [peer, this.after(peer, { what: 'agreed' })] as const),
      ...contradicted.map((peer) => [peer, this.after(peer, { what: 'against', by })] as const),
      ...alone.map((peer) => [peer, this.after(peer, { what: 'alone' })] as const),
      ...abstained.map((peer) => [peer, this.after(peer, { what: 'abstained' })] as const),
    ];
  }

  put(peer: PeerId, state: AuditorState): void {
    this.#records.set(peer, state);
  }
}
