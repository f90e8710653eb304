/** Which models the trusted volunteers lend now, as the server last said it. */
import { readPeers, type PeerSummary } from '@llmesh/core/wire/api-pages';
import type { Clock } from '@llmesh/core/base/clock';
import type { ModelId } from '@llmesh/core/base/ids';
import type { Trusted } from './trusted.svelte.ts';

/** The list of peers can be long: it is asked for when something changed, at most this often. */
const LOOK_EVERY_MS = 10_000;
const TIMEOUT_MS = 5_000;

export interface TrustedLendingNeeds {
  trusted: Trusted;
  getJson: (path: string, signal: AbortSignal) => Promise<unknown>;
  clock: Clock;
  /** Hears that the server could not say. */
  failed: (error: unknown) => void;
  /** Called when more is known. */
  changed: () => void;
}

export class TrustedLending {
  readonly #needs: TrustedLendingNeeds;
  #lenders = $state.raw<readonly PeerSummary[] | null>(null);
  #lookedAt = -Infinity;
  #looking = false;
  #again = false;

  constructor(needs: TrustedLendingNeeds) {
    this.#needs = needs;
  }

  /** How many of the trusted lend the model; null: not known. */
  countOf(model: ModelId): number | null {
    if (this.#needs.trusted.list.length === 0) return 0;
    if (this.#lenders === null) return null;
    const { trusted } = this.#needs;
    return this.#lenders.filter((peer) => trusted.has(peer.peerId) && peer.models.some(({ id }) => id === model))
      .length;
  }

  take(peers: readonly PeerSummary[]): void {
    this.#lenders = peers.filter((peer) => peer.models.length > 0);
    this.#lookedAt = this.#needs.clock.now();
    this.#needs.changed();
  }

  /** What we know may be out of date: asks the server, at once or as soon as it may be asked again. */
  look(): void {
    const { clock } = this.#needs;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    const wait = Math.max(0, this.#lookedAt + LOOK_EVERY_MS - clock.now());
    if (wait === 0) void this.#ask();
    else clock.after(wait, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const { getJson, clock, failed } = this.#needs;
    this.#lookedAt = clock.now();
    this.#again = false;
    try {
      const limit = AbortSignal.timeout(TIMEOUT_MS);
      const peers = await readPeers((path) => getJson(path, limit));
      this.#looking = false;
      this.take(peers);
    } catch (error) {
      this.#looking = false;
      this.#lenders = null;
      failed(error);
    }
    if (this.#again) this.look();
  }
}
