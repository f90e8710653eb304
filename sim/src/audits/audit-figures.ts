/** What audits did to a mesh with cheats, in figures. */
import { levelOf } from '@llmesh/core/proof/standing';
import type { Level } from '@llmesh/core/wire/audit-messages';
import { AuditedMesh, TOKENS_PER_SECOND, type AuditedMeshOptions } from './audited-mesh.ts';

export interface AuditFigures {
  readonly seed: number;
  readonly answers: number;
  /** Answers of honest providers as a share of all: in the first sixth of the time, in the last, and throughout. */
  readonly honestShare: { readonly first: number; readonly last: number; readonly all: number };
  /** How many providers stand how in the end. */
  readonly honest: Readonly<Record<Level, number>>;
  readonly cheats: Readonly<Record<Level, number>>;
  /** Auditors that are not asked any more, because others contradicted them: liars, and honest ones. */
  readonly unheard: { readonly liars: number; readonly honest: number };
  readonly audits: number;
  readonly auditorsEach: number;
  /** What all audits cost, and test questions beside them, as shares of all writing. */
  readonly cost: number;
  readonly shadows: number;
  /** Both, as a share of what the computers could have written in that time. */
  readonly costOfAll: number;
  /** Known answers by which auditors were tested. */
  readonly known: number;
}

export async function auditFigures(options: AuditedMeshOptions): Promise<AuditFigures> {
  const mesh = new AuditedMesh(options);
  await mesh.run();
  const { lenders, answers, spent } = mesh;
  const endMs = options.minutes * 60_000;
  const honestOf = (fromMs: number, toMs: number) => {
    const some = answers.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    return round(some.filter(({ provider }) => !provider.cheats).length / some.length);
  };
  const levels = (cheats: boolean) => {
    const counts = { good: 0, suspected: 0, quarantined: 0, convicted: 0 };
    for (const one of lenders) if (one.cheats === cheats) counts[levelOf(mesh.standingOf(one))] += 1;
    return counts;
  };
  const unheard = lenders.filter((one) => !mesh.isHeard(one));
  return {
    seed: options.seed,
    answers: answers.length,
    honestShare: {
      first: honestOf(0, endMs / 6),
      last: honestOf((endMs * 5) / 6, endMs),
      all: honestOf(0, endMs),
    },
    honest: levels(false),
    cheats: levels(true),
    unheard: {
      liars: unheard.filter(({ lies }) => lies).length,
      honest: unheard.filter(({ lies }) => !lies).length,
    },
    audits: spent.audits,
    auditorsEach: round(spent.reports / Math.max(1, spent.audits)),
    cost: round(spent.work / spent.written),
    shadows: round(spent.shadows / spent.written),
    costOfAll: round((spent.work + spent.shadows) / (lenders.length * (endMs / 1_000) * TOKENS_PER_SECOND)),
    known: spent.known,
  };
}

function round(value: number): number {
  return Number(value.toFixed(4));
}
