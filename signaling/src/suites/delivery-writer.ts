/** A process that files as fast as it can and says what was acknowledged, and its end in the middle of that. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import type { DeliveryStore } from '../receipts/delivery-store.ts';
import { NOW_S, receiptOf } from '../testing/deliveries.ts';

const BATCH = 10;
/** Then it is killed, most likely while it writes the next. */
const BATCHES = 12;

/** What the program of an adapter calls, whose arguments the suite is given. */
export async function writeForever(store: DeliveryStore): Promise<never> {
  for (;;) {
    const batch = Array.from({ length: BATCH }, () => receiptOf());
    const outcomes = await store.file(batch, NOW_S * 1000);
    const kept = batch.filter((_, i) => outcomes[i] === 'kept');
    process.stdout.write(`${kept.map(({ lease }) => toBase32(lease.nonce)).join(' ')}\n`);
    // Another has to be able to end it.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The nonces of leases whose receipts were acknowledged before it was killed. */
export async function writeUntilKilled(args: readonly string[]): Promise<Uint8Array[]> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  const said: string[] = [];
  lines.on('line', (line) => {
    said.push(line);
    if (said.length === BATCHES) child.kill('SIGKILL');
  });
  await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  return said.flatMap((line) => line.split(' ').flatMap((nonce) => fromBase32(nonce) ?? []));
}
