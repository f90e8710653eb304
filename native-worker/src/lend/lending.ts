/**
 * Lends while the policy says so. A pause takes the offer back and hands over what runs, as a provider that leaves does;
 * the models stay in memory, and the return is a new offer.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { Providing } from '@llmesh/core/mesh';
import { pace } from '@llmesh/core/base/pace';
import type { WorkerStatus } from '@llmesh/core/provide/worker-status';
import type { LendingPolicy, Pause } from './policy/lending-policy.ts';
import type { MachineReading } from '../sensors/machine-reading.ts';

const LOOK_MS = 2_000;

export interface LendingNeeds {
  /** Offers the models, see `Mesh.provide`. */
  provide: (onStatus: (status: WorkerStatus) => void) => Providing;
  look: (signal: AbortSignal) => Promise<MachineReading>;
  policy: LendingPolicy;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Told at the first look, and whenever it changes, whether the models are offered, or why not. */
  turned: (pause: Pause | null) => void;
  /** Told what it does, counted since `run`. */
  onStatus: (status: WorkerStatus) => void;
}

export class Lending {
  readonly #needs: LendingNeeds;
  #providing: Providing | null = null;
  #pause: Pause | null = null;
  #turned = false;
  /** How many answers came from earlier offers. */
  #answers = 0;
  #tokens = 0;

  constructor(needs: LendingNeeds) {
    this.#needs = needs;
  }

  /** Why the computer is not lent; null while it is. */
  get pause(): Pause | null {
    return this.#pause;
  }

  /** Whether others can ask. */
  get lent(): boolean {
    return this.#providing !== null && this.#pause === null;
  }

  /** Lends until `signal` aborts. Resolves when the requesters have been told and the engines are at rest. */
  async run(signal: AbortSignal): Promise<void> {
    const { look, policy, clock, now } = this.#needs;
    try {
      while (!signal.aborted) {
        const reading = await look(signal);
        if (signal.aborted) break;
        await this.#take(policy.look(reading, new Date(now()), clock.now()));
        await pace(clock.now() + LOOK_MS, clock, signal);
      }
    } finally {
      await this.#stop();
    }
  }

  async #take(pause: Pause | null): Promise<void> {
    const same = this.#turned && pause?.why === this.#pause?.why;
    this.#pause = pause;
    if (same) return;
    this.#turned = true;
    if (pause === null) this.#offer();
    this.#needs.turned(pause);
    if (pause !== null) await this.#stop();
  }

  #offer(): void {
    const { provide, onStatus } = this.#needs;
    this.#providing ??= provide((status) => onStatus(this.#sum(status)));
  }

  async #stop(): Promise<void> {
    const providing = this.#providing;
    if (providing === null) return;
    await providing.stop();
    const { answers, tokens } = providing.status;
    this.#answers += answers;
    this.#tokens += tokens;
    this.#providing = null;
  }

  #sum(status: WorkerStatus): WorkerStatus {
    return { ...status, answers: this.#answers + status.answers, tokens: this.#tokens + status.tokens };
  }
}
