/** Starts a process that files without end (`testing/write-forever.ts`), and kills it in the middle of that. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fromBase32 } from '@llmesh/core/base/base32';

/** It is killed after this many, most likely while it writes the next. */
const BATCHES = 12;

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
