/** The last people that this computer answered. Forgotten with the page. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Serving } from '@llmesh/core/provide/worker-status';

const MOST = 3;

export interface PersonServed {
  peer: PeerId;
  /** Milliseconds since 1970. */
  lastAt: number;
  /** null: not being served right now. */
  tokensPerSecond: number | null;
}

export class PeopleServed {
  #list = $state.raw<readonly PersonServed[]>([]);

  /** At most three people, those being served now first. */
  get list(): readonly PersonServed[] {
    return this.#list;
  }

  take(serving: readonly Serving[], now: number): void {
    const served = new Map<PeerId, PersonServed>();
    for (const { peer, tokensPerSecond } of serving) {
      const sum = (served.get(peer)?.tokensPerSecond ?? 0) + tokensPerSecond;
      served.set(peer, { peer, lastAt: now, tokensPerSecond: sum });
    }
    const earlier = this.#list
      .filter(({ peer }) => !served.has(peer))
      .map((person) => ({ ...person, tokensPerSecond: null }));
    this.#list = [...served.values(), ...earlier].slice(0, MOST);
  }
}
