/** What every part of the audits needs of the control plane around it. */
import type { Clock } from '@llmesh/core/base/clock';
import type { ControlKey } from '../receipts/control-key.ts';
import type { Registry } from '../registry/registry.ts';
import type { Audited, DrawnAuditor } from './auditors/open-audits.ts';
import type { AuditTerms } from './share/audit-terms.ts';
import type { Standings } from './standings.ts';

export interface AuditNeeds {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  terms: AuditTerms;
  key: ControlKey;
  registry: Registry;
  standings: Standings;
  /** Who could check an answer with this file now. */
  eligible: (audited: Pick<Audited, 'model' | 'file'>) => DrawnAuditor[];
  failed: (error: unknown) => void;
}
