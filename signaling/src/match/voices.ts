/**
 * Who speaks for a provider: requesters that got their answers, by network. Two in league can sign as much as they
 * like, and one can pretend to be many; so nobody's word, and no network's, counts without limit. Old answers fade.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { PeerId } from '@llmesh/core/base/ids';
import { widerNetworkOf } from '../sockets/address.ts';

/** The most that counts from one requester; from one network, as in `address.ts`; from the wider one; and from all. */
const MOST = { requester: 8, network: 16, wider: 32, all: 200 };
/** Voices remembered for one provider: more than needed to reach the maximum. Those heard longest ago go first. */
export const MAX_VOICES = 64;

/** A requester, and where it is. */
export interface Voice {
  requester: PeerId;
  /** Empty: it is no longer connected. */
  network: string;
}

export class Voices {
  readonly #heard = new BoundedMap<PeerId, { network: string; answers: number }>(MAX_VOICES);
  #sum = 0;

  /** The number of answers that count. */
  get sum(): number {
    return this.#sum;
  }

  get size(): number {
    return this.#heard.size;
  }

  /** Counts one more answer. False: it made no difference, as its requester or network has reached its limit. */
  hear({ requester, network }: Voice): boolean {
    const before = this.#sum;
    const answers = this.#heard.get(requester)?.answers ?? 0;
    this.#heard.set(requester, { network, answers: Math.min(answers + 1, MOST.requester) });
    this.#sum = this.#add();
    return this.#sum >= before + 0.5;
  }

  /** Reduces all that was heard by this factor: 0 to 1. */
  fade(kept: number): void {
    for (const voice of this.#heard.values()) voice.answers *= kept;
    this.#sum = this.#add();
  }

  #add(): number {
    const networks = new Map<string, number>();
    for (const { network, answers } of this.#heard.values()) {
      networks.set(network, Math.min((networks.get(network) ?? 0) + answers, MOST.network));
    }
    const wider = new Map<string, number>();
    for (const [network, answers] of networks) {
      const name = widerNetworkOf(network);
      wider.set(name, Math.min((wider.get(name) ?? 0) + answers, MOST.wider));
    }
    let sum = 0;
    for (const answers of wider.values()) sum += answers;
    return Math.min(sum, MOST.all);
  }
}
