/** How answers are checked in this mesh, as the server counts it. Asked for now and then while somebody looks. */
import type { Clock } from '@llmesh/core/base/clock';
import { AuditsSchema, type Audits } from '@llmesh/core/wire/api-pages';
import * as v from 'valibot';
import { poll } from './poll.ts';

const POLL_MS = 10_000;
const TIMEOUT_MS = 5_000;

export interface AuditFiguresNeeds {
  /** The JSON at a path of our own origin. Rejects when there is no JSON. */
  getJson: (path: string, signal: AbortSignal) => Promise<unknown>;
  clock: Clock;
}

export class AuditFigures {
  readonly #needs: AuditFiguresNeeds;
  #latest = $state.raw<Audits | null>(null);

  constructor(needs: AuditFiguresNeeds) {
    this.#needs = needs;
  }

  /** null until the server first says it; then what it said last. */
  get latest(): Audits | null {
    return this.#latest;
  }

  /** Asks now, and again and again, until the returned function is called. */
  watch(): () => void {
    return poll((signal) => this.#ask(signal), POLL_MS, this.#needs.clock);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      const page = v.parse(AuditsSchema, await this.#needs.getJson('/api/audits', limit));
      if (!signal.aborted) this.#latest = page;
    } catch {
      // That the server does not answer is said by the rest of the page, which asks more often.
    }
  }
}
