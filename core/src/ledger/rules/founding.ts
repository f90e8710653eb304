/** A network begins: what its founder decided is in force before anything else happens. */
import type { NetworkId } from '../../base/ids.ts';
import type { Genesis } from '../../networks/genesis.ts';
import type { Draft } from '../draft.ts';
import { EMISSION_PARTS, type EmissionPart } from '../emission.ts';
import { FOUNDED, parameterKey } from '../keys.ts';
import { refused } from '../refusal.ts';

/** Per cents as thousandths. */
const THOUSANDTHS = 10;

/** Later votes change the parameters like all others; the parts of the emission stay as they were founded. */
export function found(draft: Draft, { network, parameters, credit }: Genesis): void {
  if (draft.index !== 0) throw refused('A network is founded before anything else happens in it.');
  const parts = [credit.uptime, credit.tasks, credit.governance].map((perCent) => perCent * THOUSANDTHS);
  draft.set(FOUNDED, [network, ...parts]);
  for (const [name, value] of parameters) draft.set(parameterKey(name), [value, draft.ms]);
}

/** The network that this is the ledger of; null: a mesh without a genesis. */
export function foundedIn(state: Pick<Draft, 'get'>): NetworkId | null {
  const founded = state.get(FOUNDED) as readonly [NetworkId, ...number[]] | undefined;
  return founded?.[0] ?? null;
}

/**
 * What part of an epoch's budget this gets, in thousandths. What a founder gives out for governance is for newcomers'
 * allowances: votes decide how large those are.
 */
export function emissionPart(state: Pick<Draft, 'get'>, part: EmissionPart): number {
  const founded = state.get(FOUNDED) as readonly [string, number, number, number] | undefined;
  if (founded === undefined) return EMISSION_PARTS[part];
  const [, uptime, tasks, allowances] = founded;
  return { uptime, tasks, allowances }[part];
}
