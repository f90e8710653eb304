/** A real ledger with a real receipt book, in a file or in memory, whose time a test turns by hand. */
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { EPOCH_MS, epochOf } from '@llmesh/core/ledger/emission';
import type { Identity } from '@llmesh/core/identity/identity';
import type { PeerId } from '@llmesh/core/base/ids';
import { Ledger, type LedgerOptions } from '../ledger/ledger.ts';
import type { Appended } from '../ledger/ledger-port.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { DeliveryTable } from '../receipts/delivery-table.ts';
import { pastFiles } from '../log/open-log.ts';
import { ReceiptBook } from '../receipts/receipt-book.ts';
import { MeshDatabase } from '../store/mesh-database.ts';
import { papersOf, type PapersTerms } from './papers.ts';

export const START_MS = 1_800_000_000_000;
const HERE = '192.0.2.1';

export const someone = (): Identity => nodeIdentity(randomBytes(32));

export class LedgerWorld {
  readonly clock = new ManualClock();
  readonly control: Identity;
  readonly failures: unknown[] = [];
  readonly database: MeshDatabase;
  readonly deliveries: DeliveryTable;
  readonly book: ReceiptBook;
  readonly folder: string | null;
  readonly store: LedgerTable;
  #startMs: number;
  #ledger: Ledger | null = null;

  constructor(folder: string | null = null, control = someone(), startMs = START_MS) {
    this.folder = folder;
    this.#startMs = startMs;
    this.control = control;
    this.database = new MeshDatabase(folder);
    this.store = new LedgerTable(this.database);
    this.deliveries = new DeliveryTable(this.database);
    const failed = (error: unknown) => this.failures.push(error);
    const { clock } = this;
    this.book = new ReceiptBook({ store: this.deliveries, issuer: control.peerId, clock, now: this.now, failed });
  }

  readonly now = (): number => this.#startMs + this.clock.now();

  get ledger(): Ledger {
    if (this.#ledger === null) throw new Error('It is not open yet.');
    return this.#ledger;
  }

  /** `final`: everything is at once. */
  async open(changes: Partial<LedgerOptions> = {}, final = true): Promise<Ledger> {
    const { clock, now, store, deliveries, control } = this;
    const failed = (error: unknown) => this.failures.push(error);
    const past = pastFiles(this.folder);
    const options = { mode: 'priority' as const, issuer: control.peerId, store, past, deliveries, clock, now, failed };
    const ledger = await Ledger.open({ ...options, ...changes });
    this.#ledger = ledger;
    this.book.onWritten = () => ledger.delivered();
    if (final) ledger.onAppended(() => ledger.finalTo(ledger.size));
    return ledger;
  }

  /** It is later, without the timers that would have run meanwhile. */
  skip(ms: number): void {
    this.#startMs += ms;
  }

  /** Lets the time run until this is decided. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const end = () => {
      done = true;
    };
    promise.then(end, end);
    while (!done) await this.clock.advance(5);
    return promise;
  }

  append(...body: Parameters<Ledger['append']>): Promise<Appended> {
    return this.until(this.ledger.append(...body));
  }

  papers(requester: Identity, provider: Identity, terms: Partial<PapersTerms> = {}) {
    return papersOf({ control: this.control, requester, provider, nowMs: this.now(), ...terms });
  }

  /** Files it, and lets it be posted. */
  async file(filing: Parameters<ReceiptBook['file']>[0], by: PeerId): Promise<void> {
    await this.until(this.book.file(filing, by, HERE));
    // The first time, the ledger fetches one key after the other.
    for (let i = 0; i < 10; i++) await this.clock.advance(5);
  }

  /** Free credits for a provider, as they come into the world: it answers someone, and is there for an hour. */
  async fund(provider: Identity): Promise<void> {
    const { whole } = await this.papers(someone(), provider);
    await this.file(whole, provider.peerId);
    this.skip(EPOCH_MS);
    const epoch = epochOf(this.now()) - 1;
    await this.append({ kind: 'uptime', epoch, shares: [[provider.peerId, 1_000]] });
  }

  async close(): Promise<void> {
    await this.#ledger?.close();
    await this.book.close();
  }
}
