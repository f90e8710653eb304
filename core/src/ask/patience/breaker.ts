/** Which providers are left alone for a while because they failed, and when one of them is tried again. */
import { BoundedMap } from '../../base/bounded-map.ts';
import { backoffMs } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import type { PeerId } from '../../base/ids.ts';

/** Peers that are remembered; beyond that, those whose fault is longest ago are forgotten. */
const MAX_PEERS = 1_024;

interface Circuit {
  faults: number;
  /** Open until then; after that one trial is let through. */
  untilMs: number;
  /** The trial is under way. */
  trying: boolean;
}

/** Circuit breakers (Nygard, Release It!, 2007), one per peer: closed, open after a fault, half open for one trial. */
export class Breakers {
  readonly #clock: Clock;
  readonly #random: () => number;
  /** In the order of their last faults. */
  readonly #circuits = new BoundedMap<PeerId, Circuit>(MAX_PEERS);

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Leave this peer alone for now? */
  isOpen(peer: PeerId): boolean {
    const circuit = this.#circuits.get(peer);
    return circuit !== undefined && (circuit.trying || this.#clock.now() < circuit.untilMs);
  }

  /** A trial begins: after a failure, only one at a time. */
  trying(peer: PeerId): void {
    const circuit = this.#circuits.get(peer);
    if (circuit !== undefined) circuit.trying = true;
  }

  /** It did what it should. */
  worked(peer: PeerId): void {
    this.#circuits.delete(peer);
  }

  /** It neither worked nor failed: someone changed their mind. */
  undecided(peer: PeerId): void {
    const circuit = this.#circuits.get(peer);
    if (circuit !== undefined) circuit.trying = false;
  }

  /** Its last failure was not its fault. */
  pardon(peer: PeerId): void {
    const circuit = this.#circuits.get(peer);
    if (circuit === undefined) return;
    circuit.faults -= 1;
    circuit.untilMs = this.#clock.now();
    if (circuit.faults <= 0) this.#circuits.delete(peer);
  }

  failed(peer: PeerId): void {
    const faults = (this.#circuits.get(peer)?.faults ?? 0) + 1;
    const untilMs = this.#clock.now() + backoffMs(faults - 1, this.#random);
    this.#circuits.set(peer, { faults, untilMs, trying: false });
  }
}
