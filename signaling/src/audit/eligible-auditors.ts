/**
 * Who could audit answers with a file now: idle, able, with that very file, credible, and here long enough. Answers that are known are also for those
 * who have to clear themselves.
 */
import { engineNameOf } from '@llmesh/core/proof/engine-name';
import { CHAT, type ModelAdvert } from '@llmesh/core/wire/model-advert';
import { modelOf } from '../registry/registered-peer.ts';
import type { Registry } from '../registry/registry.ts';
import { roleOf } from '@llmesh/core/proof/auditor-standing';
import type { AuditorRecords } from './auditors/auditor-records.ts';
import type { AuditTerms } from './share/audit-terms.ts';
import type { Audited, DrawnAuditor } from './auditors/open-audits.ts';
import type { Standings } from './standings.ts';

/** More are not looked at: each costs a hash for every drawn answer. Which ones they are, is chance. */
const MAX_ELIGIBLE = 64;

export interface EligibleNeeds {
  registry: Registry;
  terms: AuditTerms;
  records: AuditorRecords;
  standings: Standings;
  random: () => number;
}

export function eligibleAuditors(
  { model: id, file }: Pick<Audited, 'model' | 'file'>,
  { registry, terms, records, standings, random }: EligibleNeeds,
  isKnown = false,
): DrawnAuditor[] {
  const eligible: DrawnAuditor[] = [];
  const offer = { task: CHAT, model: id };
  registry.matchable(registry.meant({ ...offer, sha256: file }), 'free', random, (peer) => {
    const { peerId, network } = peer;
    const model = modelOf(peer, offer);
    if (model === null || !canAudit(model) || standings.worst(peerId) === 'convicted') return false;
    const role = roleOf(records.of(peerId));
    const known =
      (role === 'all' || (isKnown && role === 'known')) && registry.ranks.tenure.ms(peerId, model) >= terms.tenureMs;
    if (known || terms.platform.has(peerId)) eligible.push({ peerId, network, engine: engineNameOf(model) });
    return eligible.length === MAX_ELIGIBLE;
  });
  return eligible;
}

export function canAudit({ abilities }: ModelAdvert): boolean {
  return abilities?.includes('audit') === true;
}
