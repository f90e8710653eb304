/** What `/metrics` reports, in one place. Operators rely on the names. */
import { collectDefaultMetrics, Counter, Gauge, Registry as Collector } from 'prom-client';
import type { AuditCounts } from './audit/figures/audit-events.ts';
import type { DeliveryStore } from './receipts/delivery-store.ts';
import type { KeepingFigures } from './keeping/keeping.ts';
import type { Registry } from './registry/registry.ts';

export type SocketKind = 'mesh' | 'signal' | 'relay';
export type Plane = SocketKind | 'http';

export class Metrics {
  readonly #collector = new Collector();
  readonly matches = this.#counter('llmesh_matches_total', 'Matches asked for, by whether a provider was found.', [
    'found',
  ]);
  readonly refused = this.#counter('llmesh_refused_total', 'Messages and connections refused.', ['plane', 'code']);
  readonly filed = this.#counter('llmesh_receipts_filed_total', 'Receipts accepted, by kind.', ['kind']);
  readonly receiptsRefused = this.#counter('llmesh_receipts_refused_total', 'Receipts refused, by code.', ['code']);
  readonly orders = this.#counter('llmesh_orders_total', 'Orders about credits, by outcome.', ['outcome']);
  readonly auditsCheckable = this.#counter('llmesh_audits_checkable_total', 'Filed answers that can be checked.', []);
  readonly auditsDrawn = this.#counter('llmesh_audits_drawn_total', 'Answers drawn for an audit.', []);
  readonly auditsNotDrawn = this.#counter('llmesh_audits_not_drawn_total', 'Drawn, but not audited, by reason.', [
    'why',
  ]);
  readonly auditsDone = this.#counter('llmesh_audits_done_total', 'Audits that are over, by verdict.', ['verdict']);
  readonly auditReports = this.#counter('llmesh_audit_reports_total', 'Reports of auditors, by verdict.', ['verdict']);
  readonly auditReportsRefused = this.#counter('llmesh_audit_reports_refused_total', 'Reports refused, by code.', [
    'code',
  ]);
  readonly becameLevel = this.#counter('llmesh_standings_total', 'Providers that came to this level.', ['level']);
  readonly signalling = this.#counter('llmesh_signalling_messages_total', 'PeerServer messages accepted.', ['type']);
  readonly relayedBytes = this.#counter('llmesh_relayed_bytes_total', 'Sealed bytes passed on.', []);
  readonly expected = this.#counter('llmesh_expected_total', 'Providers told to load a model ahead of time.', []);
  readonly storageChecks = this.#counter('llmesh_storage_checks_total', 'Checks of kept models, by outcome.', [
    'outcome',
  ]);
  /** Who keeps models for others; null: nobody counts. */
  keeping: (() => KeepingFigures) | null = null;
  /** Questions in the queues of their models. */
  waiting = 0;
  #matchCount = 0;

  /** `store`: that of the receipts; left out: not measured. */
  constructor(
    registry: Registry,
    sockets: Record<SocketKind, () => number>,
    store: Pick<DeliveryStore, 'size'> | null = null,
  ) {
    collectDefaultMetrics({ register: this.#collector });
    this.#gauge('llmesh_peers', 'Peers connected.', () => registry.totals().peers);
    this.#gauge('llmesh_providers', 'Peers that offer a model.', () => registry.totals().providers);
    this.#gauge('llmesh_slots', 'Answers that the mesh can write at once.', () => registry.totals().slots);
    this.#gauge('llmesh_busy_slots', 'Answers being written now.', () => registry.totals().busySlots);
    this.#gauge('llmesh_queued', 'Questions waiting at providers.', () => registry.totals().queued);
    this.#gauge(
      'llmesh_tokens_per_second',
      'Tokens per second over the last minute, as reported.',
      () => registry.totals().tokensPerSecond,
    );
    this.#gauge('llmesh_waiting', 'Questions waiting in the line of their model.', () => this.waiting);
    this.#gauge('llmesh_keepers', 'Peers that keep models for others.', () => this.keeping?.().keepers ?? 0);
    this.#gauge(
      'llmesh_copies_wanted',
      'Copies of models that are wanted, in all.',
      () => this.keeping?.().wanted ?? 0,
    );
    this.#gauge('llmesh_copies_kept', 'Copies that keepers were asked for.', () => this.keeping?.().kept ?? 0);
    this.#gauge(
      'llmesh_promised_slots',
      'Slots kept for requesters just sent there.',
      () => registry.totals().promised,
    );
    if (store !== null) {
      // While the store is unreachable, everything else is still reported.
      const read = (part: 'rows' | 'bytes') => async () => {
        const size = await store.size().catch(() => null);
        return size?.[part] ?? Number.NaN;
      };
      this.#gauge('llmesh_receipts', 'Receipts kept whole, with their signatures.', read('rows'));
      this.#gauge('llmesh_database_bytes', 'Bytes of receipts and their sums on the disk.', read('bytes'));
    }
    new Gauge({
      name: 'llmesh_sockets',
      help: 'WebSockets open, by kind.',
      labelNames: ['kind'],
      registers: [this.#collector],
      collect() {
        for (const kind of ['mesh', 'signal', 'relay'] as const) this.set({ kind }, sockets[kind]());
      },
    });
  }

  matched(found: boolean): void {
    this.#matchCount++;
    this.matches.inc({ found: found ? 'yes' : 'no' });
  }

  refuse(plane: Plane, code: string): void {
    this.refused.inc({ plane, code });
  }

  get matchCount(): number {
    return this.#matchCount;
  }

  get contentType(): string {
    return this.#collector.contentType;
  }

  text(): Promise<string> {
    return this.#collector.metrics();
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#collector] });
  }

  #gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.#collector],
      async collect() {
        this.set(await read());
      },
    });
  }
}

/** What the audits count, in these metrics. */
export function countsIn(metrics: Metrics): AuditCounts {
  return {
    checkable: () => metrics.auditsCheckable.inc(),
    drawn: () => metrics.auditsDrawn.inc(),
    notDrawn: (why) => metrics.auditsNotDrawn.inc({ why }),
    reported: (verdict) => metrics.auditReports.inc({ verdict }),
    done: (verdict) => metrics.auditsDone.inc({ verdict }),
    became: (level) => metrics.becameLevel.inc({ level }),
  };
}
