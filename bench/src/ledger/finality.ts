/**
 * How long an event takes to be final: from the moment that it is on the disk until three of five witnesses, which are asked
 * over HTTP, have signed a checkpoint that covers it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@llmesh/core/base/clock';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { newPeerId } from '@llmesh/core/base/ids';
import { noteName } from '@llmesh/core/identity/note-name';
import { noteKey } from '@llmesh/log/note/key';
import { Ledger } from '@llmesh/signaling/ledger/ledger';
import { LedgerTable } from '@llmesh/signaling/ledger/ledger-table';
import { openLog, pastFiles } from '@llmesh/signaling/log/open-log';
import { openControlKey } from '@llmesh/signaling/receipts/control-key';
import { DeliveryTable } from '@llmesh/signaling/receipts/delivery-table';
import { MeshDatabase } from '@llmesh/signaling/store/mesh-database';
import { TestWitness } from '@llmesh/signaling/testing/http-witness';
import { percentile } from '../statistics.ts';

export interface FinalityFigures {
  finalityMsP50: number;
  finalityMsP99: number;
  /** From the event to the checkpoint of ours that covers it. */
  checkpointMsP50: number;
  checkpointMsP99: number;
}

const WITNESSES = 5;
/** From one event to the next. */
const EVERY_MS = 25;
/** Seconds that a hold lasts: longer than this takes. */
const HELD_S = 900;

export async function finality(seconds: number): Promise<FinalityFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'llmesh-bench-final-'));
  const key = await openControlKey(folder);
  const witnesses = await Promise.all(Array.from({ length: WITNESSES }, (_, i) => TestWitness.open(`w${i}`)));
  for (const witness of witnesses) witness.knows(noteKey(noteName(key.peerId), 'note', key.publicKey));
  const policyFile = join(folder, 'witnesses.policy');
  const names = witnesses.map(({ name }) => name).join(' ');
  writeFileSync(policyFile, `${witnesses.map(({ line }) => line).join('\n')}\ngroup most 3 ${names}\nquorum most\n`);
  const database = new MeshDatabase(folder, 'on a thread');
  const deliveries = new DeliveryTable(database);
  const time = { clock: realClock, now: Date.now };
  const failed = (error: unknown) => {
    throw error instanceof Error ? error : new Error(String(error));
  };
  const store = new LedgerTable(database);
  const ledger = await Ledger.open({
    ...time,
    mode: 'priority',
    issuer: key.peerId,
    store,
    deliveries,
    failed,
    past: pastFiles(folder),
  });
  const writtenMs: number[] = [];
  const [signedMs, finalMs]: [number[], number[]] = [[], []];
  const upTo = (size: number, into: number[]) => {
    while (into.length < size) into.push(performance.now() - writtenMs[into.length]!);
  };
  ledger.onAppended((batch) => batch.forEach(() => writtenMs.push(performance.now())));
  const log = await openLog({
    ...{ ...time, key, dataFolder: folder, policyFile, source: ledger, failed },
    final: (size) => {
      ledger.finalTo(size);
      upTo(size, finalMs);
    },
  });
  log.onSigned(({ checkpoint: { size } }) => upTo(size, signedMs));
  const payer = newPeerId();
  await ledger.append({ kind: 'allowance', to: payer });
  const hold = { kind: 'reserve', payer, amount: 1, untilS: Math.ceil(Date.now() / 1_000) + HELD_S } as const;
  for (let i = 0; i < (seconds * 1_000) / EVERY_MS; i++) {
    await Promise.all([ledger.append({ ...hold, hold: randomBytes(16) }), pause(EVERY_MS)]);
  }
  while (finalMs.length < ledger.size) await pause(EVERY_MS);
  await ledger.close();
  await log.close();
  await deliveries.close();
  await Promise.all(witnesses.map((witness) => witness.close()));
  rmSync(folder, { recursive: true });
  return {
    ...{ finalityMsP50: percentile(finalMs, 50), finalityMsP99: percentile(finalMs, 99) },
    ...{ checkpointMsP50: percentile(signedMs, 50), checkpointMsP99: percentile(signedMs, 99) },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
