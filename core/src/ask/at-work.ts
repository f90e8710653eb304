/** The providers at work on one question, and how each of them is remembered afterwards. */
import type { Breakers } from './patience/breaker.ts';
import type { MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import { isFault } from '../policy/error-meaning.ts';
import type { Leased } from '../wire/candidate.ts';

/** What we need to know about an attempt here. */
export interface Working {
  readonly candidate: Leased;
  readonly runsSinceMs: number | null;
  cancel(): void;
}

export class AtWork<Attempt extends Working> {
  readonly #breakers: Breakers;
  /** The one asked first comes first. */
  readonly #attempts = new Set<Attempt>();
  /** Attempts that were silent for longer than they should be. */
  readonly #silent = new Set<Attempt>();

  constructor(breakers: Breakers) {
    this.#breakers = breakers;
  }

  get size(): number {
    return this.#attempts.size;
  }

  get first(): Attempt | null {
    const [first] = this.#attempts;
    return first ?? null;
  }

  has(attempt: Attempt | null): boolean {
    return attempt !== null && this.#attempts.has(attempt);
  }

  [Symbol.iterator](): Iterator<Attempt> {
    return this.#attempts.values();
  }

  began(attempt: Attempt): void {
    this.#breakers.trying(attempt.candidate.peerId);
    this.#attempts.add(attempt);
  }

  heard(attempt: Attempt): void {
    this.#silent.delete(attempt);
  }

  /** It brings words. */
  worked({ candidate }: Attempt): void {
    this.#breakers.worked(candidate.peerId);
  }

  /** Nothing came for too long, from any of them. */
  fellSilent(): void {
    // Those that are still in a provider's queue are not expected to write.
    for (const attempt of this.#attempts) if (attempt.runsSinceMs !== null) this.#silent.add(attempt);
  }

  /** It finished its part. */
  finished(attempt: Attempt): void {
    this.#attempts.delete(attempt);
  }

  failed(attempt: Attempt, error: MeshError): void {
    this.#attempts.delete(attempt);
    const { peerId } = attempt.candidate;
    if (isFault(error)) this.#breakers.failed(peerId);
    else this.#breakers.undecided(peerId);
  }

  /** They failed because of the question. */
  pardon(peers: Iterable<PeerId>): void {
    for (const peer of peers) this.#breakers.pardon(peer);
  }

  /**
   * It has the words that count. The others stop; one that was silent all that time failed. Returns those that were
   * not: they may be asked again.
   */
  keepOnly(attempt: Attempt): Attempt[] {
    const spared: Attempt[] = [];
    for (const other of this.#attempts) {
      if (other === attempt) continue;
      this.dismiss(other);
      if (this.#silent.has(other)) this.#breakers.failed(other.candidate.peerId);
      else spared.push(other);
    }
    return spared;
  }

  /** Drops an attempt that is no longer needed, through no fault of its own. */
  dismiss(attempt: Attempt): void {
    this.#attempts.delete(attempt);
    this.#breakers.undecided(attempt.candidate.peerId);
    attempt.cancel();
  }
}
