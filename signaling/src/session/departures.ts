/** Who is told that a provider is gone: those whose shortlist named it, and who may be reading an answer from it. */
import type { PeerId } from '@llmesh/core/base/ids';

/** Providers remembered for one asker: several shortlists. Of more, those named longest ago are forgotten. */
export const MAX_NAMED = 64;

export class Departures {
  /** For each asker, in the order in which they were named last. */
  readonly #named = new Map<PeerId, Set<PeerId>>();
  readonly #askers = new Map<PeerId, Set<PeerId>>();

  /** `asker` got a shortlist of these. */
  named(asker: PeerId, providers: readonly PeerId[]): void {
    if (providers.length === 0) return;
    const named = this.#named.get(asker) ?? new Set();
    this.#named.set(asker, named);
    for (const provider of providers) {
      named.delete(provider);
      named.add(provider);
      const askers = this.#askers.get(provider);
      if (askers === undefined) this.#askers.set(provider, new Set([asker]));
      else askers.add(asker);
    }
    for (const oldest of named) {
      if (named.size <= MAX_NAMED) break;
      named.delete(oldest);
      this.#unlink(asker, oldest);
    }
  }

  /** It is gone, as asker and as provider. Those to tell. */
  left(peer: PeerId): PeerId[] {
    for (const provider of this.#named.get(peer) ?? []) this.#unlink(peer, provider);
    this.#named.delete(peer);
    const askers = [...(this.#askers.get(peer) ?? [])];
    this.#askers.delete(peer);
    for (const asker of askers) {
      const named = this.#named.get(asker);
      named?.delete(peer);
      if (named?.size === 0) this.#named.delete(asker);
    }
    return askers;
  }

  #unlink(asker: PeerId, provider: PeerId): void {
    const askers = this.#askers.get(provider);
    askers?.delete(asker);
    if (askers?.size === 0) this.#askers.delete(provider);
  }
}
