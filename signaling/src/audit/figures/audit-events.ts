/** What happens to audits, for those who count it. */
import type { Verdict } from '@llmesh/core/proof/verdict';
import type { Level } from '@llmesh/core/wire/audit-messages';

/** Why an answer that could be checked was not, though it was drawn. */
export const NOT_DRAWN = ['no_auditor', 'over_budget', 'requester_gone', 'too_many'] as const;
export type NotDrawn = (typeof NOT_DRAWN)[number];

/** Each is called once for one event. */
export interface AuditCounts {
  /** An answer was filed that can be checked. */
  checkable(): void;
  drawn(): void;
  notDrawn(why: NotDrawn): void;
  /** A report was kept. */
  reported(verdict: Verdict): void;
  /** An audit is over. */
  done(verdict: Verdict): void;
  /** A provider has come to this level. */
  became(level: Level): void;
}
