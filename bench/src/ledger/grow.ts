/**
 * How long a control plane takes to start with a long past: the store is filled as by so many paid receipts of the last
 * month, swept as it is while it runs, and opened again.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '@llmesh/core/base/clock';
import { toBase32 } from '@llmesh/core/base/base32';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { epochOf } from '@llmesh/core/ledger/emission';
import { accountKey, AT, dayOf, deliveryKey, earnedKey, holdKey, ISSUER, settledKey } from '@llmesh/core/ledger/keys';
import type { StateValue } from '@llmesh/core/ledger/state';
import { Ledger } from '@llmesh/signaling/ledger/ledger';
import { LedgerTable } from '@llmesh/signaling/ledger/ledger-table';
import type { LedgerBatch } from '@llmesh/signaling/ledger/ledger-store';
import { LEDGER_LIMITS } from '@llmesh/signaling/ledger/upkeep';
import { pastFiles } from '@llmesh/signaling/log/open-log';
import { DeliveryTable } from '@llmesh/signaling/receipts/delivery-table';
import { MeshDatabase } from '@llmesh/signaling/store/mesh-database';

export interface GrowFigures {
  events: number;
  fileMiB: number;
  /** From nothing to a ledger that takes events, the check of the file included. */
  restartSeconds: number;
  /** Of that: the file is opened and checked. */
  checkSeconds: number;
}

const BATCH = 2_048;
const LEAF_BYTES = 1_100;
const PEERS = 50_000;
const OPEN_HOLDS = 5_000;
const DAYS = 31;
const DAY_MS = 86_400_000;

export async function grow(events: number): Promise<GrowFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'llmesh-bench-grow-'));
  try {
    const issuer = newPeerId();
    await fill(folder, events, issuer);
    const failed = (error: unknown) => {
      throw error;
    };
    const began = performance.now();
    const database = new MeshDatabase(folder);
    const checked = performance.now();
    const deliveries = new DeliveryTable(database);
    const store = new LedgerTable(database);
    const time = { clock: realClock, now: Date.now };
    const ledger = await Ledger.open({
      ...time,
      mode: 'priority',
      issuer,
      store,
      deliveries,
      failed,
      past: pastFiles(folder),
    });
    await ledger.append({ kind: 'allowance', to: newPeerId() });
    const restartSeconds = seconds(performance.now() - began);
    await ledger.close();
    await deliveries.close();
    const fileMiB = Math.round(statSync(join(folder, 'mesh.db')).size / 1_048_576);
    return { events, fileMiB, restartSeconds, checkSeconds: seconds(checked - began) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function fill(folder: string, events: number, issuer: PeerId): Promise<void> {
  const database = new MeshDatabase(folder);
  const store = new LedgerTable(database);
  const peers = Array.from({ length: PEERS }, newPeerId);
  const startMs = Date.now() - DAYS * DAY_MS;
  const holds: [string, StateValue][] = Array.from({ length: OPEN_HOLDS }, () => [
    holdKey(toBase32(randomBytes(16))),
    [peers[0]!, 1, 1, 0, Math.floor(Date.now() / 1_000) + 900, 0],
  ]);
  for (let from = 0; from < events; from += BATCH) {
    const size = Math.min(events, from + BATCH);
    const ms = Math.floor(startMs + (DAYS * DAY_MS * size) / events);
    const state = new Map<string, StateValue | undefined>(from === 0 ? [[ISSUER, issuer], ...holds] : []);
    state.set(AT, [size, ms, epochOf(startMs)]);
    const entries: LedgerBatch['entries'][number][] = [];
    for (let index = from; index < size; index++) entries.push(receipt(index, ms, peers, state));
    await store.append({ from, head: { size, posted: 0, lastMs: ms, final: size }, entries, state });
    const below = (kept: number) => Math.max(0, size - kept);
    await store.prune({ leaves: below(LEDGER_LIMITS.leaves), entries: below(LEDGER_LIMITS.entries) }, 2 * BATCH);
    if (size % (BATCH * 250) === 0) process.stderr.write(`${size} events\n`);
  }
  database.close();
}

function receipt(
  index: number,
  ms: number,
  peers: readonly PeerId[],
  state: Map<string, StateValue | undefined>,
): LedgerBatch['entries'][number] {
  const [by, to] = [peers[index % PEERS]!, peers[(index * 7 + 1) % PEERS]!];
  const lease = toBase32(randomBytes(16));
  state.set(deliveryKey(dayOf(ms), lease), [index, by, to, 100, true, 10_000, 7_000, 500, 0, 0]);
  state.set(settledKey(dayOf(ms), toBase32(randomBytes(16))), [by, 100_000, 10_000]);
  state.set(earnedKey(to), [7_500, 100, dayOf(ms), 7_500, 0, 0, 7_000, ms, 0]);
  state.set(accountKey(`free:${by}`), index);
  state.set(accountKey(`free:${to}`), index);
  return {
    ...{ index, ms, kind: 'earn', leaf: randomBytes(LEAF_BYTES) },
    about: { by, to, lease, proof: 'receipt', units: 100, price: 100_000 },
    postings: [
      { account: `held:${by}`, amount: -100_000, reason: 'paid' },
      { account: `free:${to}`, amount: 7_000, reason: 'earned' },
      { account: 'auditors', amount: 2_000, reason: 'fee' },
      { account: 'treasury', amount: 1_000, reason: 'fee' },
      { account: `free:${by}`, amount: 90_000, reason: 'refunded' },
    ],
  };
}

function seconds(ms: number): number {
  return Number((ms / 1_000).toFixed(2));
}
