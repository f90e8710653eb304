/** Tells the control plane which models we have: after each connection, and not at every piece that comes. */
import type { Clock } from '../base/clock.ts';
import { MAX_HELD, type Held, type Keeps } from '../wire/candidate.ts';
import type { ToServer } from '../wire/control-protocol.ts';

/** Changes within this time are said together. */
const GATHER_MS = 2_000;

export class HeldModels {
  readonly #clock: Clock;
  readonly #send: (message: Extract<ToServer, { type: 'hold' }>) => void;
  /** Null: we never had any, and a mesh that never hears of models need not know of them. */
  #message: Extract<ToServer, { type: 'hold' }> | null = null;
  #keeps: Keeps | null = null;
  #sentMs = -Infinity;
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock, send: (message: Extract<ToServer, { type: 'hold' }>) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  hold(held: readonly Held[], certificate: string | null): void {
    const said = held.slice(0, MAX_HELD).map(({ content, sha256, whole }) => ({ content, sha256, whole }));
    if (said.length === 0 && this.#message === null) return;
    this.#tell({ type: 'hold', held: said, certificate });
  }

  keeps(keeps: Keeps | null): void {
    if (JSON.stringify(keeps) === JSON.stringify(this.#keeps)) return;
    this.#keeps = keeps;
    this.#tell(this.#message ?? { type: 'hold', held: [], certificate: null });
  }

  #tell({ type, held, certificate }: Extract<ToServer, { type: 'hold' }>): void {
    this.#message = { type, held, certificate, ...(this.#keeps !== null && { keeps: this.#keeps }) };
    const waitMs = this.#sentMs + GATHER_MS - this.#clock.now();
    if (waitMs <= 0) this.say();
    else this.#stopTimer ??= this.#clock.after(waitMs, () => this.say());
  }

  /** Says all of it now. */
  say(): void {
    this.stop();
    if (this.#message === null) return;
    this.#sentMs = this.#clock.now();
    this.#send(this.#message);
  }

  /** Says nothing more until it is told again. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }
}
