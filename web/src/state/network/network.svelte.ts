/** Who is here, as the server says. Asked every two seconds while somebody looks. */
import type { Clock } from '@llmesh/core/base/clock';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { ModelsPageSchema, readPeers, StatsSchema, type PeerSummary, type Stats } from '@llmesh/core/wire/api-pages';
import * as v from 'valibot';
import { poll } from './poll.ts';

const POLL_MS = 2_000;
const TIMEOUT_MS = 5_000;

export interface NetworkNeeds {
  /** The JSON at a path of our own origin. Rejects when there is no JSON. */
  getJson: (path: string, signal: AbortSignal) => Promise<unknown>;
  clock: Clock;
  /** Hears who is here each time the server says so. */
  heard: (peers: readonly PeerSummary[]) => void;
}

export class Network {
  readonly #needs: NetworkNeeds;
  #peers = $state.raw<PeerSummary[]>([]);
  #models = $state.raw<Offer[]>([]);
  #stats = $state.raw<Stats | null>(null);
  #unreachable = $state(false);

  constructor(needs: NetworkNeeds) {
    this.#needs = needs;
  }

  /** Peers that lend something. */
  get providers(): PeerSummary[] {
    return this.#peers.filter((peer) => peer.models.length > 0);
  }

  get models(): readonly Offer[] {
    return this.#models;
  }

  /** null until the server first answers. */
  get stats(): Stats | null {
    return this.#stats;
  }

  /** The server does not answer: the page shows what was known last. */
  get unreachable(): boolean {
    return this.#unreachable;
  }

  /** Asks now, and again and again, until the returned function is called. */
  watch(): () => void {
    return poll((signal) => this.#ask(signal), POLL_MS, this.#needs.clock);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { getJson, heard } = this.#needs;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const [peers, models, stats] = await Promise.all([
        readPeers((path) => getJson(path, limit)),
        getJson('/api/models', limit).then((page) => v.parse(ModelsPageSchema, page)),
        getJson('/api/stats', limit).then((page) => v.parse(StatsSchema, page)),
      ]);
      if (signal.aborted) return;
      this.#peers = peers;
      this.#models = models.models;
      this.#stats = stats;
      this.#unreachable = false;
      heard(this.#peers);
    } catch {
      // Whatever failed, the page says that its numbers are old, and asks again.
      if (!signal.aborted) this.#unreachable = true;
    }
  }
}
