/** Counts what happens to audits, for the pages, and passes it on to the metrics. */
import type { Verdict } from '@llmesh/core/proof/verdict';
import type { AuditCounts } from './audit-events.ts';

export class AuditTally implements AuditCounts {
  readonly #next: AuditCounts;
  readonly found: Record<Verdict, number> = { agrees: 0, deviates: 0, unknown: 0 };
  checkables = 0;
  draws = 0;

  constructor(next: AuditCounts) {
    this.#next = next;
  }

  checkable(): void {
    this.checkables++;
    this.#next.checkable();
  }

  drawn(): void {
    this.draws++;
    this.#next.drawn();
  }

  done(verdict: Verdict): void {
    this.found[verdict]++;
    this.#next.done(verdict);
  }

  readonly notDrawn: AuditCounts['notDrawn'] = (why) => this.#next.notDrawn(why);
  readonly reported: AuditCounts['reported'] = (verdict) => this.#next.reported(verdict);
  readonly became: AuditCounts['became'] = (level) => this.#next.became(level);
}
