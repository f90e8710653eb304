/** Which models are looked for, by how many networks within a day: whoever asks often, or under many names, counts once. */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Clock } from '@llmesh/core/base/clock';
import type { ContentId } from '@llmesh/core/base/ids';

const WITHIN_MS = 86_400_000;
/** Models that are counted; those looked for longest ago are forgotten first. */
const MAX_CONTENTS = 4_096;
/** Networks that are counted for one model: more change no target. */
const MAX_NETWORKS = 4_096;
const MAX_ASKERS = 20_000;
/** Models that one network can make us count in a day, so that it cannot push out those of others. */
const MAX_EACH = 32;

export class ContentDemand {
  readonly #clock: Clock;
  /** When each network asked last. */
  readonly #asked = new BoundedMap<ContentId, BoundedMap<string, number>>(MAX_CONTENTS);
  readonly #ofNetwork = new BoundedMap<string, { sinceMs: number; contents: Set<ContentId> }>(MAX_ASKERS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Somebody in this network looked for it. */
  asked(content: ContentId, network: string): void {
    const nowMs = this.#clock.now();
    let own = this.#ofNetwork.get(network);
    if (own === undefined || nowMs - own.sinceMs >= WITHIN_MS) own = { sinceMs: nowMs, contents: new Set() };
    if (!own.contents.has(content) && own.contents.size >= MAX_EACH) return;
    own.contents.add(content);
    this.#ofNetwork.set(network, own);
    const networks = this.#asked.get(content) ?? new BoundedMap<string, number>(MAX_NETWORKS);
    this.#asked.set(content, networks.set(network, nowMs));
  }

  /** In how many networks somebody did. */
  networks(content: ContentId): number {
    const networks = this.#asked.get(content);
    if (networks === undefined) return 0;
    const sinceMs = this.#clock.now() - WITHIN_MS;
    for (const [network, atMs] of networks) {
      // The oldest come first.
      if (atMs > sinceMs) break;
      networks.delete(network);
    }
    if (networks.size === 0) this.#asked.delete(content);
    return networks.size;
  }

  /** Those that so many networks looked for, the most wanted first. */
  wanted(least: number): ContentId[] {
    return [...this.#asked.keys()]
      .map((content) => ({ content, networks: this.networks(content) }))
      .filter(({ networks }) => networks >= least)
      .toSorted((a, b) => b.networks - a.networks)
      .map(({ content }) => content);
  }
}
