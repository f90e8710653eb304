/**
 * How many receipts a second the ledger takes, from the filed bytes to postings on the disk, beside what the same signatures
 * alone cost on all cores: in turns in one run, so that whatever else the computer does slows both down.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { realClock } from '@llmesh/core/base/clock';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Identity } from '@llmesh/core/identity/identity';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { readLeases } from '@llmesh/core/receipts/lease';
import type { Filing } from '@llmesh/core/wire/control-protocol';
import { Ledger } from '@llmesh/signaling/ledger/ledger';
import { LedgerTable } from '@llmesh/signaling/ledger/ledger-table';
import { pastFiles } from '@llmesh/signaling/log/open-log';
import { DeliveryTable } from '@llmesh/signaling/receipts/delivery-table';
import { IssuedLeases } from '@llmesh/signaling/receipts/issued-leases';
import { ReceiptBook } from '@llmesh/signaling/receipts/receipt-book';
import { SignatureThreads } from '@llmesh/signaling/receipts/signature-threads';
import { MeshDatabase } from '@llmesh/signaling/store/mesh-database';
import { papersOf } from '@llmesh/signaling/testing/papers';
import { percentile } from '../statistics.ts';
import { costsOf, ThreadWatch, type ThreadCosts } from './thread-costs.ts';

export interface ReceiptsOptions {
  rounds: number;
  /** Of one round. */
  receipts: number;
}

export interface ReceiptsFigures {
  cores: number;
  receiptsPerSecond: number;
  /** What the signatures alone would allow, on all cores: by the library that the ledger uses, and by Node's OpenSSL. */
  verifyLimitPerSecond: number;
  opensslLimitPerSecond: number;
  ofVerifyLimit: number;
  ofOpensslLimit: number;
  /** From the receipt on the disk to its postings on the disk. */
  projectorLagMsP99: number;
  /** Of the main thread, which also writes to the disk, and waits for it: for one receipt. */
  mainThreadUs: number;
  /** Processor time of one receipt, on all cores together, and of its signatures alone: on a busy computer these say more. */
  cpuUs: number;
  verifyCpuUs: number;
  /** Of `cpuUs`, in the last round, by what the threads are for; null: this system does not tell. */
  threadsUs: ThreadCosts | null;
}

type Papers = Awaited<ReturnType<typeof papersOf>>;

const PRICE = 1_000;
/** As many filings are under way at once as peers would send. */
const AT_ONCE = 4_000;
/** Of which the signatures go to a thread together, when only signatures are checked. */
const PORTION = 48;
const REQUESTERS = 200;
const PROVIDERS = 100;

export async function receiptRate({ rounds, receipts }: ReceiptsOptions): Promise<ReceiptsFigures> {
  const watch = await ThreadWatch.open();
  const folder = mkdtempSync(join(tmpdir(), 'llmesh-bench-ledger-'));
  const control = nodeIdentity(randomBytes(32));
  const issued = new IssuedLeases();
  const database = new MeshDatabase(folder, 'on a thread');
  const deliveries = new DeliveryTable(database);
  const failed = (error: unknown) => {
    throw error;
  };
  const time = { clock: realClock, now: Date.now };
  const issuer = control.peerId;
  const threads = new SignatureThreads();
  const openssl = new SignatureThreads({ library: 'openssl' });
  const book = new ReceiptBook({ ...time, store: deliveries, issuer, issued, threads, failed });
  const store = new LedgerTable(database);
  const ledger = await Ledger.open({
    ...time,
    mode: 'priority',
    issuer,
    deliveries,
    store,
    failed,
    past: pastFiles(folder),
  });
  book.onWritten = () => ledger.delivered();
  ledger.onAppended(() => ledger.finalTo(ledger.size));
  const [requesters, providers] = [REQUESTERS, PROVIDERS].map(identities) as [Identity[], Identity[]];
  await Promise.all(requesters.map(({ peerId: to }) => ledger.append({ kind: 'allowance', to })));

  const kept: number[] = [];
  const lags: number[] = [];
  let posted = 0;
  let arrived = () => {};
  book.onKept = () => kept.push(performance.now());
  ledger.onAppended((batch) => {
    const nowMs = performance.now();
    for (const { event } of batch) if (event.kind === 'earn') lags.push(nowMs - kept[posted++]!);
    arrived();
  });
  const rates: number[] = [];
  const limits: number[] = [];
  const opensslLimits: number[] = [];
  const busy: number[] = [];
  const [costs, limitCosts, threadCosts]: [number[], number[], ThreadCosts[]] = [[], [], []];
  try {
    for (let round = 0; round <= rounds; round++) {
      const papers: Papers[] = [];
      for (let i = 0; i < receipts; i++) {
        const pair = { requester: requesters[i % REQUESTERS]!, provider: providers[i % PROVIDERS]! };
        const one = await papersOf({ control, ...pair, nowMs: Date.now(), price: PRICE });
        issued.add(
          one.lease,
          readLeases(one.lease, () => true)!,
        );
        // As it comes from a socket: texts that nobody has put together from pieces.
        papers.push({ ...one, whole: JSON.parse(JSON.stringify(one.whole)) as Filing });
      }
      const reserve = ({ hold, expiresAt }: Papers, i: number) =>
        ledger.reserve(hold, requesters[i % REQUESTERS]!.peerId, PRICE, expiresAt + 900);
      const funded = await inPortions(papers, AT_ONCE, reserve);
      if (funded.includes(false)) throw new Error('The requesters have too few credits for this many receipts.');
      const opensslLimit = await perSecond(receipts, () => allSigned(papers, openssl));
      let cpu = process.cpuUsage();
      const limit = await perSecond(receipts, () => allSigned(papers, threads));
      const limitCpu = process.cpuUsage(cpu);
      const before = performance.eventLoopUtilization();
      cpu = process.cpuUsage();
      const threadsBefore = watch?.costs();
      const rate = await perSecond(receipts, async () => {
        const goal = posted + receipts;
        const all = new Promise<void>((resolve) => {
          arrived = () => (posted === goal ? resolve() : undefined);
        });
        await inPortions(papers, AT_ONCE, ({ whole }, i) =>
          book.file(
            whole,
            providers[i % PROVIDERS]!.peerId,
            `${11 + (i % 180)}.${Math.floor(i / 180) % 250}.${round}.1`,
          ),
        );
        await all;
      });
      const { active } = performance.eventLoopUtilization(before);
      const spent = process.cpuUsage(cpu);
      const threadsAfter = watch?.costs();
      // The first one is for the compiler.
      if (round === 0) continue;
      limits.push(limit);
      opensslLimits.push(opensslLimit);
      rates.push(rate);
      busy.push((1_000 * active) / receipts);
      if (threadsBefore !== undefined && threadsAfter !== undefined)
        threadCosts.push(costsOf(threadsBefore, threadsAfter, receipts));
      costs.push(cpuUs(spent, receipts));
      limitCosts.push(cpuUs(limitCpu, receipts));
      const alone = `${Math.round(limit)} (OpenSSL: ${Math.round(opensslLimit)})`;
      say(`${Math.round(rate)} receipts/s; signatures alone: ${alone}`);
    }
  } finally {
    await ledger.close();
    await Promise.all([book.close(), openssl.close()]);
    rmSync(folder, { recursive: true });
  }
  return {
    cores: availableParallelism(),
    receiptsPerSecond: Math.round(percentile(rates, 50)),
    verifyLimitPerSecond: Math.round(percentile(limits, 50)),
    opensslLimitPerSecond: Math.round(percentile(opensslLimits, 50)),
    ofVerifyLimit: share(rates, limits),
    ofOpensslLimit: share(rates, opensslLimits),
    projectorLagMsP99: percentile(lags.slice(receipts), 99),
    mainThreadUs: percentile(busy, 50),
    cpuUs: percentile(costs, 50),
    verifyCpuUs: percentile(limitCosts, 50),
    threadsUs: threadCosts.at(-1) ?? null,
  };
}

function share(rates: readonly number[], limits: readonly number[]): number {
  return percentile(
    rates.map((rate, i) => rate / limits[i]!),
    50,
  );
}

/** As fast as the ledger could check them if it did nothing else. */
async function allSigned(papers: readonly Papers[], threads: SignatureThreads): Promise<void> {
  const jobs = papers.map(({ byProvider, byRequester }) =>
    [byProvider, byRequester].map((record) => ({ domain: 'receipt', record }) as const),
  );
  const portions = Array.from({ length: Math.ceil(jobs.length / PORTION) }, (_, i) =>
    jobs.slice(i * PORTION, (i + 1) * PORTION),
  );
  const wrong = await inPortions(portions, threads.most, (portion) => threads.check(portion));
  if (wrong.flat().some((first) => first >= 0)) throw new Error('A signature is wrong.');
}

/** In its order, so many at a time; each that is done makes room for the next. */
async function inPortions<T, R>(
  all: readonly T[],
  atOnce: number,
  run: (one: T, i: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < all.length; i = next++) results[i] = await run(all[i]!, i);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, lane));
  return results;
}

async function perSecond(count: number, run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return (1_000 * count) / (performance.now() - began);
}

function cpuUs({ user, system }: NodeJS.CpuUsage, count: number): number {
  return (user + system) / count;
}

function identities(count: number): Identity[] {
  return Array.from({ length: count }, () => nodeIdentity(randomBytes(32)));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

// node --import tsx --conditions=@llmesh/source bench/src/ledger/receipts.ts [rounds] [receipts]
if (import.meta.filename === process.argv[1]) {
  const [rounds = 2, receipts = 3_000] = process.argv.slice(2).map(Number);
  process.stdout.write(`${JSON.stringify(await receiptRate({ rounds, receipts }))}\n`);
}
