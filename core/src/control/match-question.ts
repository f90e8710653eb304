/** Who can do a task? As the program asks, and as the control plane is asked. */
import type { ModelId, PeerId } from '../base/ids.ts';
import type { Needs } from '../policy/abilities.ts';
import { PLAIN } from '../policy/price.ts';
import { MAX_NAMED_PEERS, type ToServer } from '../wire/control-protocol.ts';
import { CHAT } from '../wire/model-advert.ts';

/** Only providers that meet these: see `Needs`. */
export interface MatchQuestion extends Needs {
  model: ModelId;
  maxUnits: number;
  /** See `policy/price.ts`. Left out: as for a plain task. */
  complexity?: number | undefined;
  /** Providers that were just tried. */
  exclude: readonly PeerId[];
  /** The only ones that may be asked; null: any. */
  only: readonly PeerId[] | null;
  /** The peer that has this conversation in its memory. */
  prefer: PeerId | null;
  /** The most that was shown: micro-credits for 1,000 units. Left out: any price. */
  maxPrice?: number | undefined;
}

/** What goes without saying is left out: older servers do not know all of it. */
export function matchRequest({
  task = CHAT,
  model,
  maxUnits,
  complexity = PLAIN,
  exclude,
  only,
  prefer,
  needs = [],
  adapter,
  bringsAdapter,
  sha256,
  maxPrice,
  attestedBy,
}: MatchQuestion): Omit<Extract<ToServer, { type: 'match' }>, 'requestId'> {
  return {
    type: 'match',
    model,
    ...(task !== CHAT && { task }),
    maxUnits,
    ...(complexity !== PLAIN && { complexity }),
    exclude: exclude.slice(-MAX_NAMED_PEERS),
    only: only?.slice(0, MAX_NAMED_PEERS) ?? null,
    prefer,
    ...(needs.length > 0 && { needs: [...needs] }),
    ...(adapter !== undefined && { adapter }),
    ...(bringsAdapter === true && { bringsAdapter }),
    ...(sha256 !== undefined && { sha256 }),
    ...(maxPrice !== undefined && { maxPrice }),
    ...(attestedBy !== undefined && { attestedBy }),
  };
}
