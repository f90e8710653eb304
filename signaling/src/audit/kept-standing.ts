/** How one provider stands with one file, as it is kept. */
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { StandingState } from '@llmesh/core/proof/standing';
import type { Level } from '@llmesh/core/wire/audit-messages';

export interface KeptStanding {
  readonly provider: PeerId;
  readonly file: string;
  readonly level: Level;
  readonly state: StandingState;
  /** What the file was offered as when it was last checked. */
  readonly model: ModelId;
}

/** Are strangers kept from it? */
export function isBanned(level: Level): boolean {
  return level === 'quarantined' || level === 'convicted';
}
