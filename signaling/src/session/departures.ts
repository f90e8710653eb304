/** Who is told that a provider is gone: those whose shortlist named it, and that may be reading its answer. */
import type { PeerId } from '@llmesh/core/base/ids';

/** Providers remembered for one requester: several shortlists. Beyond that, those named longest ago are forgotten. */
export const MAX_NAMED = 64;

export class Departures {
  /** The providers for each requester, in the order in which they were last named. */
  readonly #named = new Map<PeerId, Set<PeerId>>();
  readonly #requesters = new Map<PeerId, Set<PeerId>>();

  /** `requester` got a shortlist of these. */
  named(requester: PeerId, providers: readonly PeerId[]): void {
    if (providers.length === 0) return;
    const named = this.#named.get(requester) ?? new Set();
    this.#named.set(requester, named);
    for (const provider of providers) {
      named.delete(provider);
      named.add(provider);
      const requesters = this.#requesters.get(provider);
      if (requesters === undefined) this.#requesters.set(provider, new Set([requester]));
      else requesters.add(requester);
    }
    for (const oldest of named) {
      if (named.size <= MAX_NAMED) break;
      named.delete(oldest);
      this.#unlink(requester, oldest);
    }
  }

  /** It is gone, as requester and as provider. Returns those to tell. */
  left(peer: PeerId): PeerId[] {
    for (const provider of this.#named.get(peer) ?? []) this.#unlink(peer, provider);
    this.#named.delete(peer);
    const requesters = [...(this.#requesters.get(peer) ?? [])];
    this.#requesters.delete(peer);
    for (const requester of requesters) {
      const named = this.#named.get(requester);
      named?.delete(peer);
      if (named?.size === 0) this.#named.delete(requester);
    }
    return requesters;
  }

  #unlink(requester: PeerId, provider: PeerId): void {
    const requesters = this.#requesters.get(provider);
    requesters?.delete(requester);
    if (requesters?.size === 0) this.#requesters.delete(provider);
  }
}
