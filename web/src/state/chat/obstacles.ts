/** What stands between a question and those who may run it. It waits for them to end, and never widens its scope. */
import type { ErrorCode } from '@llmesh/core/base/errors';
import type { Connection } from '../connection.svelte.ts';
import type { LocalModels } from '../device/local-models.svelte.ts';
import type { ModelChoice } from './model-choice.ts';
import { askedName, isFree, type Offers } from '../offers.svelte.ts';
import type { Trusted } from '../trust/trusted.svelte.ts';
import type { TrustedLending } from '../trust/trusted-lending.svelte.ts';
import type { Answer, WaitingFor } from './turn.ts';

export interface ObstacleNeeds {
  connection: Connection;
  offers: Offers;
  models: ModelChoice;
  local: LocalModels;
  trusted: Trusted;
  lending: TrustedLending;
}

type Wanted = Pick<Answer, 'model' | 'scope'>;

/** Errors that are no failures. */
export const WAITS: Readonly<Partial<Record<ErrorCode, WaitingFor>>> = {
  offline: 'network',
  control_unreachable: 'mesh',
  no_provider: 'model',
  no_trusted_provider: 'trusted',
  unknown_model: 'model',
};

export const CANNOT_ASK: Readonly<Record<WaitingFor, { code: ErrorCode; says: string }>> = {
  network: { code: 'offline', says: 'You are offline.' },
  mesh: { code: 'control_unreachable', says: 'Can’t reach the mesh yet.' },
  model: { code: 'no_provider', says: 'Nobody has this model right now.' },
  trusted: { code: 'no_trusted_provider', says: 'Nobody you trust has this model right now.' },
  busy: { code: 'busy', says: 'All who have this model are busy.' },
  device: { code: 'model_not_found', says: 'This device does not run this model.' },
};

/** What must come before this can be asked. */
export function missingFor({ model: wanted, scope }: Wanted, needs: ObstacleNeeds): WaitingFor | null {
  const { connection, offers, models, local, trusted } = needs;
  const model = wanted ?? models.chosenFor(scope);
  if (scope === 'device') return model === null || local.find(model.id) === null ? 'device' : null;
  if (scope === 'trusted' && trusted.peers.length === 0) return 'trusted';
  if (connection.status === 'offline') return 'network';
  if (!(connection.open || connection.away) || !offers.known) return 'mesh';
  return model === null || offers.find(askedName(model)) === null ? 'model' : null;
}

/** What still holds a waiting question: the server is not asked again while we know what it would say. */
export function absentFor(
  waiting: Wanted & Pick<Answer, 'why'>,
  { lending, models, offers }: ObstacleNeeds,
): WaitingFor | null {
  const model = waiting.model ?? models.chosenFor(waiting.scope);
  if (model === null) return null;
  if (waiting.scope === 'trusted' && lending.countOf(model.id) === 0) return 'trusted';
  const offer = offers.find(askedName(model));
  return waiting.why === 'busy' && offer !== null && !isFree(offer) ? 'busy' : null;
}
