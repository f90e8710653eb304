import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { MeshDatabase, type Waits } from '../store/mesh-database.ts';
import { ledgerStoreSuite, type OpenLedgerStore } from '../suites/ledger-store.ts';
import { LedgerTable } from './ledger-table.ts';

let root = '';
let folder = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'llmesh-ledger-'));
});
afterAll(() => rmSync(root, { recursive: true }));

async function tableIn(where: string | null, waits: Waits = 'here'): Promise<OpenLedgerStore> {
  const database = new MeshDatabase(where, waits);
  const close = async () => {
    await database.idle();
    database.close();
  };
  return { store: new LedgerTable(database), close };
}

ledgerStoreSuite('a ledger in a file', {
  open: () => tableIn((folder = mkdtempSync(join(root, 'store')))),
  again: () => tableIn(folder),
});
ledgerStoreSuite('a ledger in a file that is written on a thread', {
  open: () => tableIn((folder = mkdtempSync(join(root, 'store'))), 'on a thread'),
  again: () => tableIn(folder, 'on a thread'),
});
ledgerStoreSuite('a ledger in memory', { open: () => tableIn(null), again: null });
