/** The real table, in files and in memory, with deliveries that nobody signed: signatures are looked at elsewhere. */
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { programArgs } from '../../../scripts/programs.mjs';
import { MIGRATIONS } from '../store/database-schema.ts';
import { deliveryStoreSuite } from '../suites/delivery-store.ts';
import { NOW_S, receiptOf } from '../testing/deliveries.ts';
import type { Delivered } from './delivered.ts';
import { MeshDatabase } from '../store/mesh-database.ts';
import { DeliveryTable } from './delivery-table.ts';
import { FILED_WITHIN_DAYS } from './receipt-limits.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'llmesh-deliveries-'));
});
afterAll(() => rm(root, { recursive: true }));

let folder = '';
const newFolder = () => mkdtempSync(join(root, 'store'));
const again = async () => new DeliveryTable(folder);

deliveryStoreSuite('a table in a file', {
  open: async (limits) => {
    folder = newFolder();
    return new DeliveryTable(folder, limits);
  },
  again,
  writer: () => [...programArgs('signaling/src/testing/write-deliveries.ts'), folder],
});

const onThread = () => new MeshDatabase(folder, 'on a thread');
deliveryStoreSuite('a table in a file that is written on a thread', {
  open: async (limits) => {
    folder = newFolder();
    return new DeliveryTable(onThread(), limits);
  },
  again: async () => new DeliveryTable(onThread()),
  writer: () => [...programArgs('signaling/src/testing/write-deliveries.ts'), folder],
});

deliveryStoreSuite('a table in memory', {
  open: async (limits) => new DeliveryTable(null, limits),
  again: null,
  writer: null,
});

const file = (table: DeliveryTable, ...all: Delivered[]) => table.file(all, NOW_S * 1000);

test('what was added up gives its room back to the disk', async () => {
  const folder = newFolder();
  const table = new DeliveryTable(folder);
  await file(table, ...Array.from({ length: 1_200 }, () => receiptOf()));
  const { bytes: full } = await table.size();
  for (let i = 0; i < 5; i++) await table.sweep((NOW_S + 1 + (FILED_WITHIN_DAYS + 1) * 86_400) * 1000);
  await table.close();
  const back = new DeliveryTable(folder);
  expect((await back.size()).bytes).toBeLessThan(full / 2);
  await back.close();
});

it('brings a file of the first version up to date', async () => {
  const folder = mkdtempSync(join(root, 'first'));
  const db = new Database(join(folder, 'mesh.db'));
  db.exec(MIGRATIONS[0]);
  db.exec(`PRAGMA user_version = 1; INSERT INTO delivery VALUES (1, x'00', 't', 'r', 'p', 'm', 0, 'acknowledgement', 7, x'00',
    NULL, NULL, NULL, x'00', x'00', NULL, NULL, 1800000000000);`);
  db.close();
  const table = new DeliveryTable(folder);
  expect(await table.find(new Uint8Array(1))).toMatchObject({ units: 7, taskId: 't' });
  await file(table, receiptOf());
  expect((await table.size()).rows).toBe(2);
  await table.close();
});

describe('a file that is none, or is not whole', () => {
  const open = (make: (folder: string, file: string) => void) => () => {
    const folder = mkdtempSync(join(root, 'odd'));
    make(folder, join(folder, 'mesh.db'));
    void new DeliveryTable(folder).close();
  };
  test.each<[string, RegExp, (folder: string, file: string) => void]>([
    ['a folder', /mesh\.db is a folder and not a file\. Move it away/, (_, file) => mkdirSync(file)],
    ['a link', /mesh\.db is a symbolic link/, (folder, file) => symlinkSync(join(folder, '..', 'victim'), file)],
    ['a pipe', /mesh\.db is a pipe/, (_, file) => execFileSync('mkfifo', [file])],
    ['a pipe as its log', /mesh\.db-wal is a pipe/, (_, file) => execFileSync('mkfifo', [`${file}-wal`])],
    ['noise', /is damaged .*bring back a copy/, (_, file) => writeFileSync(file, randomBytes(30_000))],
  ])('%s is refused with what to do', (_, words, make) => {
    expect(open(make)).toThrow(words);
  });

  it('is noticed when pages in its middle are overwritten', async () => {
    const folder = mkdtempSync(join(root, 'middle'));
    const table = new DeliveryTable(folder);
    await table.file(
      Array.from({ length: 300 }, () => receiptOf()),
      NOW_S * 1000,
    );
    await table.close();
    const file = join(folder, 'mesh.db');
    execFileSync('dd', ['if=/dev/urandom', `of=${file}`, 'bs=4096', 'seek=10', 'count=20', 'conv=notrunc'], {
      stdio: 'ignore',
    });
    expect(() => new DeliveryTable(folder)).toThrow(/is damaged .*bring back a copy/);
  });
});

test('nothing is kept while the folder is away, and again when it is back', async () => {
  const folder = mkdtempSync(join(root, 'away'));
  const table = new DeliveryTable(folder);
  await file(table, receiptOf());
  await rename(folder, `${folder}-elsewhere`);
  await expect(file(table, receiptOf())).rejects.toMatchObject({ code: 'busy' });
  mkdirSync(folder);
  writeFileSync(join(folder, 'mesh.db'), '');
  await expect(file(table, receiptOf())).rejects.toMatchObject({ code: 'busy' });
  await rm(folder, { recursive: true });
  await rename(`${folder}-elsewhere`, folder);
  await file(table, receiptOf());
  expect((await table.size()).rows).toBe(2);
  expect((await stat(join(folder, 'mesh.db'))).mode & 0o777).toBe(0o600);
  await table.close();
});

test('a write that fails says why it failed', async () => {
  const table = new DeliveryTable(null);
  await expect(file(table, receiptOf(), receiptOf({ units: -1 }))).rejects.toThrow(/CHECK constraint/);
  await table.close();
});
