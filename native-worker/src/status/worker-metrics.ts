/** A worker's own `/metrics`. Its owner relies on the names. */
import { collectDefaultMetrics, Counter, Gauge, Registry as Collector } from 'prom-client';
import { PAUSE_REASONS } from '../lend/policy/lending-policy.ts';
import type { Report } from './worker-report.ts';

export class WorkerMetrics {
  readonly #collector = new Collector();

  constructor(report: () => Report) {
    collectDefaultMetrics({ register: this.#collector });
    this.#gauge('llmesh_worker_slots', 'Answers that this worker can write at once.', () => report().slots);
    this.#gauge('llmesh_worker_busy_slots', 'Answers being written now.', () => report().busySlots);
    this.#gauge('llmesh_worker_queued', 'Questions waiting here.', () => report().queued);
    this.#gauge(
      'llmesh_worker_tokens_per_second',
      'Speed of all running answers together.',
      () => report().tokensPerSecond,
    );
    this.#counter('llmesh_worker_answers_total', 'Answers finished.', () => report().answers);
    this.#counter('llmesh_worker_audits_total', 'Answers of others that were checked.', () => report().audits);
    this.#counter('llmesh_worker_tokens_total', 'Tokens written.', () => report().tokens);
    this.#counter(
      'llmesh_worker_signed_tokens_total',
      'Tokens that others signed for, in receipts that the mesh has taken.',
      () => report().signedTokens,
    );
    this.#gauge(
      'llmesh_worker_unfiled_tokens',
      'Tokens that others signed for, in receipts that are still to be handed in.',
      () => report().unfiledTokens,
    );
    this.#gauge('llmesh_worker_lending', 'Whether others can ask: 1 or 0.', () => {
      const { life } = report();
      return life === 'active' || life === 'participating' ? 1 : 0;
    });
    new Gauge({
      name: 'llmesh_worker_paused',
      help: 'Whether it pauses for this reason: 1 or 0.',
      labelNames: ['why'],
      registers: [this.#collector],
      collect() {
        const why = report().pause?.why;
        for (const reason of PAUSE_REASONS) this.set({ why: reason }, reason === why ? 1 : 0);
      },
    });
  }

  get contentType(): string {
    return this.#collector.contentType;
  }

  text(): Promise<string> {
    return this.#collector.metrics();
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#collector],
      collect() {
        this.set(read());
      },
    });
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#collector],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
}
