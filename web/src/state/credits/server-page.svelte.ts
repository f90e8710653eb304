/** One read-only page of the control plane, asked for again and again while somebody looks. */
import type { Clock } from '@llmesh/core/base/clock';
import * as v from 'valibot';
import { poll } from '../network/poll.ts';

const TIMEOUT_MS = 5_000;

export interface ServerNeeds {
  /** The JSON at a path of our own origin. Rejects when there is no JSON. */
  getJson: (path: string, signal: AbortSignal) => Promise<unknown>;
  clock: Clock;
}

export class ServerPage<S extends v.GenericSchema> {
  readonly #needs: ServerNeeds;
  readonly #path: string;
  readonly #schema: S;
  readonly #everyMs: number;
  #latest = $state.raw<v.InferOutput<S> | null>(null);
  #stale = $state(false);

  constructor(path: string, schema: S, everyMs: number, needs: ServerNeeds) {
    this.#path = path;
    this.#schema = schema;
    this.#everyMs = everyMs;
    this.#needs = needs;
  }

  /** null until the server first says it; then what it said last. */
  get latest(): v.InferOutput<S> | null {
    return this.#latest;
  }

  /** The server did not answer, or talked nonsense, when it was asked last. */
  get stale(): boolean {
    return this.#stale;
  }

  /** Asks now, and again and again, until the returned function is called. */
  watch(): () => void {
    return poll((signal) => this.ask(signal), this.#everyMs, this.#needs.clock);
  }

  /** Asks once. Never rejects: `stale` says that it was in vain. */
  async ask(signal: AbortSignal): Promise<void> {
    try {
      const page = await readPage(this.#path, this.#schema, this.#needs.getJson, signal);
      if (signal.aborted) return;
      this.#latest = page;
      this.#stale = false;
    } catch {
      // Whatever failed, the page says that its figures are old, and asks again.
      if (!signal.aborted) this.#stale = true;
    }
  }
}

/** Rejects when the server does not answer in time, or with something else. */
export async function readPage<S extends v.GenericSchema>(
  path: string,
  schema: S,
  getJson: ServerNeeds['getJson'],
  signal: AbortSignal,
): Promise<v.InferOutput<S>> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  return v.parse(schema, await getJson(path, limit));
}
