/**
 * How much of its reliability audits leave to a provider. The ranking draws by the third power of it (`policy/route.ts`): who keeps
 * a half gets an eighth of the questions that another gets who is as fast, and all of them where nobody else is free.
 *
 * Whoever is new, and could be checked, answers little until it was checked twice. `npm run sim -- --audits`: of the first hour of a
 * mesh in which one in five cheats, 95 % of the answers are honest, 92 % where newcomers are asked like all others.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Calibration } from '@llmesh/core/proof/calibration';
import { engineNameOf } from '@llmesh/core/proof/engine-name';
import type { Level } from '@llmesh/core/wire/audit-messages';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { Registry } from '../registry/registry.ts';
import type { Standings } from './standings.ts';

/** By the number of answers that were checked; more: all of it. */
const NEWCOMER_KEEPS = [0.4, 0.6] as const;
const SUSPECTED_KEEPS = 0.4;

/** 0 to 1. `checked`: answers with one file. */
export function trustAt(level: Level, checked: number): number {
  switch (level) {
    case 'good':
      return NEWCOMER_KEEPS[checked] ?? 1;
    case 'suspected':
      return Math.min(SUSPECTED_KEEPS, trustAt('good', checked));
    case 'quarantined':
      return SUSPECTED_KEEPS;
    case 'convicted':
      return 0;
    default:
      return level satisfies never;
  }
}

export interface TrustNeeds {
  standings: Pick<Standings, 'worst' | 'mostChecked'>;
  registry: Pick<Registry, 'find'>;
  calibrations: readonly Calibration[];
  /** Answers were checked here: where nobody can check any, nobody has to be. */
  checks: () => boolean;
}

export class Trust {
  readonly #needs: TrustNeeds;
  readonly #engines: ReadonlySet<string>;

  constructor(needs: TrustNeeds) {
    this.#needs = needs;
    this.#engines = new Set(needs.calibrations.map(({ provider }) => provider));
  }

  /** 0 to 1. */
  of(provider: PeerId): number {
    const { standings, registry, checks } = this.#needs;
    const level = standings.worst(provider);
    const checked = standings.mostChecked(provider);
    if (level !== 'good' || checked >= NEWCOMER_KEEPS.length) return trustAt(level, checked);
    const models = registry.find(provider)?.models ?? [];
    return checks() && models.some((model) => this.#isCheckable(model)) ? trustAt(level, checked) : 1;
  }

  #isCheckable(model: ModelAdvert): boolean {
    return model.sha256 !== null && model.replayable !== undefined && this.#engines.has(engineNameOf(model));
  }
}
