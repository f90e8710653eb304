/** The real table, in files and in memory, with deliveries that nobody signed: signatures are looked at elsewhere. */
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { newPeerId, newTaskId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { MIGRATIONS } from '../store/database-schema.ts';
import type { Delivered } from './delivered.ts';
import { DeliveryTable } from './delivery-table.ts';
import { FILED_WITHIN_DAYS } from './receipt-limits.ts';

const NOW_S = 1_800_000_000;
const DAY = Math.floor(NOW_S / 86_400);
let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'llmesh-deliveries-'));
});
afterAll(() => rm(root, { recursive: true }));

function delivery(requester: PeerId, provider: PeerId, expiresAt: number, tokens = 10): Delivered {
  const lease = {
    issuer: provider,
    requester,
    provider,
    task: 'chat',
    model: 'm' as ModelId,
    complexity: 1_000,
    price: 0,
    maxUnits: 64,
    expiresAt,
    nonce: randomBytes(16),
  };
  const bytes = randomBytes(100);
  return {
    kind: 'receipt',
    lease,
    leaseBytes: bytes,
    taskId: newTaskId(),
    units: tokens,
    digest: randomBytes(32),
    inputUnits: 1,
    startedMs: 1,
    endedMs: 2,
    providerHalf: bytes,
    requesterHalf: bytes,
  };
}

function fill(table: DeliveryTable, all: readonly Delivered[]): void {
  table.transact(() => all.forEach((one) => table.put(one, NOW_S * 1000)));
}

/** What there is of tokens, in rows and in sums. */
function tokensIn(table: DeliveryTable, all: readonly Delivered[]): number {
  const kept = all.reduce((sum, { lease }) => sum + (table.find(lease.nonce)?.units ?? 0), 0);
  return table.sums().reduce((sum, { gave_tokens: gave }) => sum + gave, kept);
}

describe('of more rows than there may be', () => {
  test('the oldest of a provider are added up, nothing that was earned is lost, and they cannot be filed again', () => {
    const table = new DeliveryTable(null, { rowsPerProvider: 20 });
    const [requester, busy, quiet] = [newPeerId(), newPeerId(), newPeerId()] as const;
    const early = delivery(requester, quiet, NOW_S - 1_000);
    const all = Array.from({ length: 300 }, (_, i) => delivery(requester, busy, NOW_S + i, i));
    fill(table, [early, ...all]);
    expect(table.rows).toBeLessThanOrEqual(21);
    expect(table.find(early.lease.nonce)).not.toBeNull();
    expect(table.find(all.at(-1)!.lease.nonce)).not.toBeNull();
    expect(table.isSummed(busy, all[0]!.lease.expiresAt)).toBe(true);
    expect(table.isSummed(busy, all.at(-1)!.lease.expiresAt)).toBe(false);
    expect(table.isSummed(quiet, early.lease.expiresAt)).toBe(false);
    expect(tokensIn(table, all)).toBe((300 * 299) / 2);
    expect(table.sums().find(({ peer }) => peer === requester)?.got_tokens).toBe(
      table.sums().find(({ peer }) => peer === busy)?.gave_tokens,
    );
    table.close();
  });

  test('the oldest of all are added up, whoever they are of', () => {
    const table = new DeliveryTable(null, { rows: 100 });
    const all = Array.from({ length: 1_000 }, (_, i) => delivery(newPeerId(), newPeerId(), NOW_S + i));
    fill(table, all);
    expect(table.rows).toBeLessThanOrEqual(101);
    expect(table.find(all.at(-1)!.lease.nonce)).not.toBeNull();
    expect(table.isSummed(newPeerId(), NOW_S)).toBe(true);
    expect(tokensIn(table, all)).toBe(10_000);
    table.close();
  });

  test('sums are as few as they may be, and still add up', () => {
    const table = new DeliveryTable(null, { rows: 50, sums: 60 });
    const all = Array.from({ length: 600 }, (_, i) =>
      delivery(newPeerId(), newPeerId(), NOW_S - 86_400 * (10 - (i % 10)), 1 + (i % 5)),
    );
    const earned = all.reduce((sum, { units }) => sum + units, 0);
    fill(table, all);
    for (let i = 0; i < 60; i++) table.sweep(NOW_S * 1000);
    expect(table.sums().length).toBeLessThanOrEqual(60);
    expect(tokensIn(table, all)).toBe(earned);
    table.close();
  });
});

test('what may not be filed any more is added up with time, by day, and gives its room back', () => {
  const folder = mkdtempSync(join(root, 'old'));
  const table = new DeliveryTable(folder);
  const [requester, provider] = [newPeerId(), newPeerId()];
  const all = Array.from({ length: 1_200 }, () => delivery(requester, provider, NOW_S));
  const late = delivery(requester, provider, NOW_S + 86_400);
  fill(table, [...all, late]);
  const full = table.bytes;
  table.sweep((NOW_S + FILED_WITHIN_DAYS * 86_400) * 1000);
  expect(table.rows).toBe(1_201);
  for (let i = 0; i < 5; i++) table.sweep((NOW_S + 1 + (FILED_WITHIN_DAYS + 1) * 86_400) * 1000);
  expect(table.rows).toBe(1);
  expect(table.sums()).toContainEqual({
    peer: provider,
    day: DAY,
    gave: 1_200,
    gave_tokens: 12_000,
    got: 0,
    got_tokens: 0,
  });
  expect(table.sums()).toContainEqual({
    peer: requester,
    day: DAY,
    gave: 0,
    gave_tokens: 0,
    got: 1_200,
    got_tokens: 12_000,
  });
  table.close();
  const again = new DeliveryTable(folder);
  expect(again.bytes).toBeLessThan(full / 2);
  expect(again.find(late.lease.nonce)).not.toBeNull();
  again.close();
});

it('brings a file of the first version up to date', () => {
  const folder = mkdtempSync(join(root, 'first'));
  const db = new Database(join(folder, 'mesh.db'));
  db.exec(MIGRATIONS[0]);
  db.exec(`PRAGMA user_version = 1; INSERT INTO delivery VALUES (1, x'00', 't', 'r', 'p', 'm', 0, 'acknowledgement', 7, x'00',
    NULL, NULL, NULL, x'00', x'00', NULL, NULL, 1800000000000);`);
  db.close();
  const table = new DeliveryTable(folder);
  expect(table.find(new Uint8Array(1))).toMatchObject({ units: 7 });
  fill(table, [delivery(newPeerId(), newPeerId(), NOW_S)]);
  expect(table.rows).toBe(2);
  table.close();
});

describe('a file that is none, or is not whole', () => {
  const open = (make: (folder: string, file: string) => void) => () => {
    const folder = mkdtempSync(join(root, 'odd'));
    make(folder, join(folder, 'mesh.db'));
    new DeliveryTable(folder).close();
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

  it('is noticed when pages in its middle are overwritten', () => {
    const folder = mkdtempSync(join(root, 'middle'));
    const table = new DeliveryTable(folder);
    fill(
      table,
      Array.from({ length: 300 }, () => delivery(newPeerId(), newPeerId(), NOW_S)),
    );
    table.close();
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
  const one = () => [delivery(newPeerId(), newPeerId(), NOW_S)];
  fill(table, one());
  await rename(folder, `${folder}-elsewhere`);
  expect(() => fill(table, one())).toThrow(expect.objectContaining({ code: 'busy' }));
  mkdirSync(folder);
  writeFileSync(join(folder, 'mesh.db'), '');
  expect(() => fill(table, one())).toThrow(expect.objectContaining({ code: 'busy' }));
  await rm(folder, { recursive: true });
  await rename(`${folder}-elsewhere`, folder);
  fill(table, one());
  expect(table.rows).toBe(2);
  expect((await stat(join(folder, 'mesh.db'))).mode & 0o777).toBe(0o600);
  table.close();
});

test('a write that fails is undone, and says why it failed', () => {
  const table = new DeliveryTable(null);
  const whole = delivery(newPeerId(), newPeerId(), NOW_S);
  const broken = { ...delivery(newPeerId(), newPeerId(), NOW_S), units: -1 };
  expect(() => fill(table, [whole, broken])).toThrow(/CHECK constraint/);
  expect(table.rows).toBe(0);
  fill(table, [whole]);
  expect(table.rows).toBe(1);
  table.close();
});
