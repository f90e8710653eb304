/**
 * Brings into the ledger what audits lead to: the fee of each report, and for a conviction a part of the stake and what was
 * paid for the answers that were found wrong. Each of them once: the ledger refuses what it has.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { EventBody } from '@llmesh/core/ledger/event';
import type { LedgerPort } from '../../ledger/ledger-port.ts';
import type { DueTable, Slashing } from './due-table.ts';

/** While the ledger or the disk is busy, nothing is tried sooner. */
const AGAIN_MS = 5_000;
/** How often fees are looked for that are no longer withheld. */
const LOOK_MS = 60_000;

export interface AuditDuesOptions {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  ledger: LedgerPort;
  table: DueTable;
  failed: (error: unknown) => void;
  /** A provider was slashed: what it is told about it has changed. */
  slashed: (provider: PeerId) => void;
}

export class AuditDues {
  readonly #options: AuditDuesOptions;
  /** The events of slashings that stand, by provider. */
  readonly #events = new Map<PeerId, number>();
  #working: Promise<void> | null = null;
  /** Something came while we worked. */
  #more = false;
  #stopTimer: (() => void) | null = null;
  #stopLooking: () => void;
  #closed = false;

  constructor(options: AuditDuesOptions) {
    this.#options = options;
    for (const { provider, event } of options.table.carried()) if (event !== null) this.#events.set(provider, event);
    this.#stopLooking = this.#lookAgain();
    this.look();
  }

  /** The index of the event by which this provider was slashed last; null: it was not. */
  slashedBy(provider: PeerId): number | null {
    return this.#events.get(provider) ?? null;
  }

  /** What it was slashed for was undone. */
  undone(provider: PeerId): void {
    this.#events.delete(provider);
  }

  /** Something new is in the table. */
  look(): void {
    if (this.#closed) return;
    this.#more = true;
    if (this.#stopTimer !== null) return;
    this.#working ??= this.#work();
  }

  /** What is left stays in the table. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#stopLooking();
    await this.#working;
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    try {
      while (this.#more && !this.#closed) {
        this.#more = false;
        await this.#payDues();
        for (const slashing of this.#options.table.slashings()) {
          if (this.#closed) break;
          await this.#carryOut(slashing);
          this.#more = true;
        }
      }
    } catch (thrown) {
      this.#options.failed(thrown);
      this.#again();
    }
    this.#working = null;
    if (this.#more && this.#stopTimer === null) this.look();
  }

  #lookAgain(): () => void {
    return this.#options.clock.after(LOOK_MS, () => {
      this.look();
      this.#stopLooking = this.#lookAgain();
    });
  }

  #again(): void {
    if (this.#closed) return;
    this.#stopTimer = this.#options.clock.after(AGAIN_MS, () => {
      this.#stopTimer = null;
      this.look();
    });
  }

  /** All of them. Rejects when the rest should be tried again later. */
  async #payDues(): Promise<void> {
    const { table, now } = this.#options;
    for (let dues = table.dues(now()); dues.length > 0 && !this.#closed; dues = table.dues(now())) {
      const appended = await Promise.allSettled(dues.map(({ body }) => this.#append(body)));
      await table.done(dues.filter((_, i) => appended[i]!.status === 'fulfilled').map(({ id }) => id));
      for (const one of appended) if (one.status === 'rejected') throw one.reason;
    }
  }

  async #carryOut(slashing: Slashing): Promise<void> {
    const { table, failed, slashed } = this.#options;
    const { provider, file, reason } = slashing;
    const conviction = table.conviction(slashing);
    if (conviction === null) {
      failed(new Error(`The slashing of ${provider} for ${file} cannot be carried out. ${NO_EVIDENCE}`));
      return table.dropped(slashing);
    }
    const { model, reports, leases } = conviction;
    const event = await this.#append({ kind: 'slash', provider, model, file, reports, reason });
    // One event each: the ledger may know nothing of one of these answers.
    const reversals = leases.map((lease): EventBody => {
      return { kind: 'reverse', provider, leases: [lease], undo: false, file, reason };
    });
    await table.carriedOut(slashing, event, reversals);
    if (event === null) return;
    this.#events.set(provider, event);
    slashed(provider);
  }

  /** The index of the event; null: the ledger has it, or will never take it. Rejects when nothing can be written now. */
  async #append(body: EventBody): Promise<number | null> {
    try {
      return (await this.#options.ledger.append(body)).index;
    } catch (thrown) {
      if (thrown instanceof MeshError && REFUSED.has(thrown.code)) return null;
      throw thrown;
    }
  }
}

/** It is there already, or nothing is there to pay it with. */
const REFUSED: ReadonlySet<MeshError['code']> = new Set(['order_refused', 'credits_short', 'receipt_refused']);
const NO_EVIDENCE = 'The reports of its auditors are no longer kept.';
