/** Who may read a question: what the request wants, and whom the gateway's owner trusts. */
import type { PeerId } from '@llmesh/core/base/ids';
import { MAX_NAMED_PEERS } from '@llmesh/core/wire/control-protocol';
import { badRequest } from './api-error.ts';
import type { Wish } from './request-fields.ts';

export interface Circles {
  /** The owner's own computers. */
  own: readonly PeerId[];
  /** Other computers that the owner trusts. */
  trusted: readonly PeerId[];
}

/** Throws an `ApiError` when that is nobody. */
export function whoMayRead(
  { privacy, provider }: Pick<Wish, 'privacy' | 'provider'>,
  { own, trusted }: Circles,
): { only: PeerId[] | null; exclude: PeerId[] } {
  const circle = { own, trusted: [...new Set([...own, ...trusted])], any: null }[privacy];
  const named = provider.only ?? null;
  const ignored = provider.ignore ?? [];
  if (circle?.length === 0) {
    const flag = privacy === 'own' ? '--own <peer id>' : '--trust <peer id>';
    throw badRequest(
      'privacy',
      `This gateway knows no computers that are "${privacy}". Its owner names them: ${flag}.`,
    );
  }
  const both = circle !== null && named !== null ? named.filter((peer) => circle.includes(peer)) : (circle ?? named);
  const only = both?.filter((peer) => !ignored.includes(peer)) ?? null;
  if (only?.length === 0) {
    throw badRequest('provider', 'Nobody is left who could answer: "only", "ignore" and "privacy" rule out everyone.');
  }
  return { only: only?.slice(0, MAX_NAMED_PEERS) ?? null, exclude: [...ignored] };
}
