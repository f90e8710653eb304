/** The credits of this mesh: the ledger, its log, and who is paid for being there; or nothing of it. */
import type { Logger } from 'pino';
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import type { CreditMode } from '@llmesh/core/wire/credit-messages';
import { Ledger } from './ledger/ledger.ts';
import type { LedgerPort } from './ledger/ledger-port.ts';
import { LedgerTable } from './ledger/ledger-table.ts';
import { NO_LEDGER } from './ledger/no-ledger.ts';
import { StoragePay } from './keeping/storage-pay.ts';
import { Uptime, type UptimeNeeds } from './ledger/uptime.ts';
import type { LogKeeper } from './log/log-keeper.ts';
import { checkContinues, openLog, pastFiles } from './log/open-log.ts';
import type { ControlKey } from './receipts/control-key.ts';
import type { DeliveryStore } from './receipts/delivery-store.ts';
import type { ReceiptBook } from './receipts/receipt-book.ts';
import { LogNews } from './log/log-news.ts';
import type { KeptTable } from './store/kept-table.ts';
import type { MeshDatabase } from './store/mesh-database.ts';

/** How often a failure that lasts is reported. */
const TELL_AGAIN_MS = 600_000;

export interface OpenCreditsOptions {
  mode: CreditMode;
  key: ControlKey;
  dataFolder: string | null;
  database: MeshDatabase;
  deliveries: DeliveryStore;
  receipts: ReceiptBook;
  /** The policy file with the witnesses of the log; null: nobody has to sign it but we. */
  policyFile: string | null;
  /** Who offers something right now, and whose answers nobody doubts. */
  present: UptimeNeeds['present'];
  /** The copies of models that were found where they should be. */
  copies: KeptTable;
  clock: Clock;
  now: () => number;
  log: Logger;
}

export interface Credits {
  readonly port: LedgerPort;
  /** Null, as are the next two: this mesh has no credits. */
  readonly ledger: Ledger | null;
  readonly keeper: LogKeeper | null;
  readonly logNews: LogNews | null;
  /** This provider answered somebody of another wide network, and both signed for it. */
  served(provider: PeerId): void;
  /** Before the database. Idempotent. */
  close(): Promise<void>;
}

/** Rejects with storage_full when it cannot be read, order_refused when it is the ledger of another key. */
export async function openCredits(options: OpenCreditsOptions): Promise<Credits> {
  const { mode, key, dataFolder, database, deliveries, receipts, clock, now, log } = options;
  if (mode === 'off') {
    return { port: NO_LEDGER, ledger: null, keeper: null, logNews: null, served() {}, close: async () => {} };
  }
  const failed = (what: string) => toldOnce(clock, (why) => log.error(`${what}: ${why}`));
  const time = { clock, now };
  const store = new LedgerTable(database);
  const { size } = await store.head();
  // Before the ledger is: it appends at once what was filed and not posted.
  await checkContinues({ size, leaves: (from, to) => store.leaves(from, to) }, key, dataFolder);
  const opened: { close(): unknown }[] = [];
  const close = async () => {
    for (const one of opened.splice(0).toReversed()) await one.close();
  };
  try {
    const ledger = await Ledger.open({
      ...{
        ...time,
        mode,
        issuer: key.peerId,
        genesis: key.genesis,
        check: key.verify,
        deliveries,
        store,
        past: pastFiles(dataFolder),
      },
      failed: failed('Credits cannot be written down right now'),
    });
    receipts.onWritten = () => ledger.delivered();
    const keeper = await openLog({
      ...{ ...time, key, dataFolder, policyFile: options.policyFile, source: ledger },
      final: (to) => ledger.finalTo(to),
      failed: (why) => log.error(why),
    }).catch(async (thrown: unknown) => {
      await ledger.close();
      throw thrown;
    });
    // The last events of the ledger are signed when the log is closed.
    opened.push(keeper);
    const logNews = new LogNews(keeper, clock, failed('Witnesses among the peers cannot be shown the log right now'));
    opened.push(logNews, ledger);
    const storage = new StoragePay({
      ...{ ledger, store: ledger.store, copies: options.copies },
      failed: failed('Volunteers cannot be paid for keeping models right now'),
    });
    const uptime = await Uptime.open({
      first: (epoch) => storage.pay(epoch),
      ...{ ...time, ledger, store: ledger.store, present: options.present },
      failed: failed('Volunteers cannot be paid for being there right now'),
    });
    opened.push(uptime);
    return { port: ledger, ledger, keeper, logNews, served: (provider) => uptime.proved(provider), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** A disk that stays full is reported once, and again after a while. */
function toldOnce(clock: Clock, tell: (why: string) => void): (error: unknown) => void {
  let told = { why: '', atMs: -Infinity };
  return (error) => {
    const [why, atMs] = [reasonOf(error), clock.now()];
    if (why === told.why && atMs - told.atMs < TELL_AGAIN_MS) return;
    told = { why, atMs };
    tell(why);
  };
}

/** The system's own reason, when a message for peers wraps it. */
export function reasonOf(error: unknown): string {
  const { cause = error } = error instanceof Error ? error : { cause: error };
  return cause instanceof Error ? cause.message : String(cause);
}
