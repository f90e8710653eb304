/** How the answers of this computer stand with those who check them, as the mesh says. Forgotten with the page. */
import { LEVELS, type Level, type Standing } from '@llmesh/core/wire/audit-messages';

/** More models than anybody lends in one visit. */
const MOST = 64;

export interface WorstStanding {
  level: Exclude<Level, 'good'>;
  /** What was found and what to do about it, in the words of the mesh. */
  reason: string;
}

export class Standings {
  #byModel = $state.raw<ReadonlyMap<string, Standing>>(new Map());

  /** The mesh tells it for each model, whenever it changes. */
  take(standing: Standing): void {
    const others = [...this.#byModel].filter(([model]) => model !== standing.model).slice(1 - MOST);
    this.#byModel = new Map([...others, [standing.model, standing]]);
  }

  /** Answers of all models that were checked. */
  get checked(): number {
    return this.#sum(({ checked }) => checked);
  }

  get agreed(): number {
    return this.#sum(({ agreed }) => agreed);
  }

  /** The model that stands worst, since one convicts the whole computer; null: all is well. */
  get worst(): WorstStanding | null {
    const all = [...this.#byModel.values()].toSorted((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
    const [worst] = all;
    return worst === undefined || worst.level === 'good' ? null : { level: worst.level, reason: worst.reason };
  }

  #sum(figure: (standing: Standing) => number): number {
    return [...this.#byModel.values()].reduce((sum, standing) => sum + figure(standing), 0);
  }
}
