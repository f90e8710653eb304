/**
 * How long a control plane takes to start with a long past, how large its files are, and how long it takes to make the database again
 * from the log alone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LedgerTable } from '@llmesh/signaling/ledger/ledger-table';
import { rebuild } from '@llmesh/signaling/restore/rebuild';
import { MeshDatabase } from '@llmesh/signaling/store/mesh-database';
import { growLedger } from './grown-ledger.ts';
import { addOldRows } from './old-rows.ts';
import type { RestartFigures } from './restart.ts';

export interface GrowFigures extends RestartFigures {
  events: number;
  /** Events besides, of which there are only the rows that they would have left. */
  oldRows: number;
  databaseMiB: number;
  logMiB: number;
  /** What old events did. */
  pastMiB: number;
  /** Null: it was not measured. */
  rebuildSeconds: number | null;
  rebuildCpuSeconds: number | null;
}

const MIB = 1_048_576;

/** `again`: the database is made again from the log, too. `oldRows`: with the rows that so many more events would have left. */
export async function grow(events: number, again: boolean, oldRows = 0): Promise<GrowFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'llmesh-bench-grow-'));
  try {
    await growLedger(folder, events);
    if (oldRows > 0) addOldRows(folder, oldRows);
    const before = await endOf(folder);
    const restarted = await restart(folder, before.peer, Math.floor(before.size / 3));
    const sizes = {
      databaseMiB: Math.round(statSync(join(folder, 'mesh.db')).size / MIB),
      logMiB: Math.round(bytesIn(join(folder, 'log')) / MIB),
      pastMiB: Math.round(bytesIn(join(folder, 'past')) / MIB),
    };
    let rebuilt: { rebuildSeconds: number | null; rebuildCpuSeconds: number | null } = {
      ...{ rebuildSeconds: null, rebuildCpuSeconds: null },
    };
    if (again) {
      for (const name of readdirSync(folder))
        if (/^(mesh\.db|past)/.test(name)) rmSync(join(folder, name), { recursive: true });
      const [began, used] = [performance.now(), process.cpuUsage()];
      await rebuild({ dataFolder: folder });
      const { user, system } = process.cpuUsage(used);
      rebuilt = {
        rebuildSeconds: seconds(performance.now() - began),
        rebuildCpuSeconds: seconds((user + system) / 1_000),
      };
      const after = await endOf(folder);
      if (after.balances !== before.balances) throw new Error('The ledger that was made again has other balances.');
    }
    return { events: before.size, oldRows, ...sizes, ...restarted, ...rebuilt };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How many events there are, all balances, and somebody who has paid others all the time. */
async function endOf(folder: string): Promise<{ size: number; balances: string; peer: string }> {
  const database = new MeshDatabase(folder);
  const store = new LedgerTable(database);
  const [{ size }, accounts] = [await store.head(), await store.readAll('a/')];
  const newest = await store.entries(size - 10_000, 10_000);
  const paid = newest.find(({ kind, postings }) => kind === 'earn' && postings.length > 0);
  database.close();
  const peer = paid?.about.by;
  if (peer === undefined) throw new Error(`Of ${size} events none is paid yet: grow the ledger to 300000 or more.`);
  return { size, balances: JSON.stringify([...accounts]), peer };
}

/** `before`: where the page begins that is asked for. */
async function restart(folder: string, peer: string, before: number): Promise<RestartFigures> {
  const program = join(import.meta.dirname, 'restart.ts');
  const args = ['--import', 'tsx', '--conditions=@llmesh/source', program, folder, peer, String(before)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`The control plane did not start (${code}).`);
  return JSON.parse(said) as RestartFigures;
}

/** 0 where there is no such folder: a short past lies in the database alone. */
function bytesIn(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size);
  }, 0);
}

function seconds(ms: number): number {
  return Number((ms / 1_000).toFixed(2));
}
