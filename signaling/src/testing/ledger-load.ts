/**
 * A program that is killed: it does with a ledger what a busy mesh does, as fast as it can, and says on stdout what it was told
 * is done. Arguments: the data folder, with a file witnesses.policy in it, and how many hours after its first start it is.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { realClock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { EPOCH_MS, epochOf } from '@llmesh/core/ledger/emission';
import { writeEvent, type EventBody } from '@llmesh/core/ledger/event';
import { signOrder } from '@llmesh/core/ledger/order';
import { Ledger } from '../ledger/ledger.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { openLog, pastFiles } from '../log/open-log.ts';
import { openControlKey } from '../receipts/control-key.ts';
import { DeliveryTable } from '../receipts/delivery-table.ts';
import { ReceiptBook } from '../receipts/receipt-book.ts';
import { MeshDatabase } from '../store/mesh-database.ts';
import { papersOf } from './papers.ts';

const SIGN_EVERY_MS = 40;
const WORKERS = 12;
/** Each worker comes from a network of its own, and files more than one network may. */
const NETWORKS = 250;

const [folder = '', hours = '0'] = process.argv.slice(2);
const now = () => Date.now() + Number(hours) * EPOCH_MS;
const say = (...words: (string | number)[]) => process.stdout.write(`${words.join(' ')}\n`);
const failed = (error: unknown) => {
  say('failed', String(error));
};

const key = await openControlKey(folder);
const database = new MeshDatabase(folder, 'on a thread');
const deliveries = new DeliveryTable(database);
const book = new ReceiptBook({ store: deliveries, issuer: key.peerId, clock: realClock, now, failed });
const options = { mode: 'priority', issuer: key.peerId, deliveries, clock: realClock, now, failed } as const;
const ledger = await Ledger.open({ ...options, store: new LedgerTable(database), past: pastFiles(folder) });
book.onWritten = () => ledger.delivered();
const log = await openLog({
  ...{
    key,
    dataFolder: folder,
    policyFile: join(folder, 'witnesses.policy'),
    source: ledger,
    clock: realClock,
    now,
  },
  final: (size) => ledger.finalTo(size),
  // A witness on a busy computer may be late.
  failed: (why) => say('trouble', why),
});
log.onSigned(({ checkpoint: { size, root } }) => say('signed', size, Buffer.from(root).toString('hex')));
const sign = () => void log.grow().then(() => setTimeout(sign, SIGN_EVERY_MS));
sign();

/** The same in every round. */
const peers = Array.from({ length: 8 }, (_, i) => nodeIdentity(new Uint8Array(32).fill(i + 1)));
const any = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)]!;

/** False: the ledger does not allow it. */
async function append(body: EventBody): Promise<boolean> {
  try {
    const { index, event } = await ledger.append(body);
    say('event', index, createHash('sha256').update(writeEvent(event)).digest('hex'));
    return true;
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code !== 'busy') return false;
    throw thrown;
  }
}

async function work(worker: number): Promise<never> {
  for (let i = 0; ; i++) {
    const [requester, provider] = [any(peers), any(peers)];
    if (requester === provider) continue;
    const { hold, nonce, whole, part, expiresAt } = await papersOf({
      ...{ control: key, requester, provider, nowMs: Math.floor(now()) },
    });
    // Some are given back by the clock before their receipt comes.
    const untilS = Math.random() < 0.2 ? Math.ceil(now() / 1_000) + 1 : expiresAt + 900;
    await append({ kind: 'reserve', hold, payer: requester.peerId, amount: 20_000, untilS });
    const network = `10.${worker}.${i % NETWORKS}.1`;
    if (Math.random() < 0.4) await book.file(await part(40), provider.peerId, network);
    if (Math.random() < 0.8) await book.file(whole, any([requester, provider]).peerId, network);
    else if (Math.random() < 0.5) await book.file(await part(70), requester.peerId, network);
    else continue;
    say('filed', Buffer.from(nonce).toString('hex'));
    if (Math.random() < 0.2) {
      const asked = { issuer: key.peerId, ms: Math.floor(now()) };
      const order = await signOrder({ kind: 'transfer', to: any(peers).peerId, amount: 1 + worker }, asked, requester);
      await append({ kind: 'order', record: order });
    }
    await turn();
  }
}

say('ready');
await Promise.all(peers.map(({ peerId }) => append({ kind: 'allowance', to: peerId })));
await Promise.all(
  peers.map(({ peerId }) => append({ kind: 'uptime', epoch: epochOf(now()) - 1, shares: [[peerId, 1_000]] })),
);
await Promise.all([
  // Holds that nobody uses.
  append({
    kind: 'reserve',
    hold: randomBytes(16),
    payer: peers[0]!.peerId,
    amount: 7,
    untilS: Math.ceil(now() / 1_000) + 1,
  }),
  ...Array.from({ length: WORKERS }, (_, i) => work(i)),
]);
