import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { MeshDatabase, type Waits } from './mesh-database.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function open(waits: Waits) {
  const folder = mkdtempSync(join(tmpdir(), 'llmesh-database-'));
  const database = new MeshDatabase(folder, waits);
  closing.push(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });
  const put = database.prepareWrite('INSERT INTO ledger_past (peer, idx) VALUES (?, ?)');
  const putElsewhere = database.prepare('INSERT INTO allowance_given (network, day, given) VALUES (?, 1, 1)');
  const all = () =>
    (database.prepare('SELECT idx FROM ledger_past ORDER BY idx').all() as { idx: number }[]).map(({ idx }) => idx);
  return { database, put, putElsewhere, all };
}

describe.each(['here', 'on a thread'] as const)('written %s', (waits) => {
  test('one after the other, each whole or not at all', async () => {
    const { database, put, all } = open(waits);
    const writes = [1, 2, 3].map((idx) => database.write(() => void put.run([`peer ${idx}`, idx])));
    const broken = database.write(() => {
      put.run(['peer 4', 4]);
      put.run(['peer 1', 5]);
    });
    const later = database.write(() => {
      put.run(['peer 6', 6]);
      return 'done';
    });
    await expect(broken).rejects.toThrow(/UNIQUE/);
    expect(await later).toBe('done');
    await Promise.all(writes);
    expect(all()).toEqual([1, 2, 3, 6]);
  });

  test('whoever writes at once meanwhile waits, and both are kept', async () => {
    const { database, put, putElsewhere, all } = open(waits);
    for (let i = 0; i < 20; i++) {
      const written = database.write(() => void put.run([`peer ${i}`, i]));
      // Let it be on its way to the disk, or not yet.
      for (let turn = 0; turn < i % 4; turn++) await Promise.resolve();
      database.transact(() => putElsewhere.run([`network ${i}`]));
      await written;
    }
    expect(all()).toHaveLength(20);
    expect(database.prepare('SELECT count(*) AS n FROM allowance_given').all()).toEqual([{ n: 20 }]);
  });
});

test('until it is on the disk, others read what was there before', async () => {
  const { database, put, all } = open('on a thread');
  await database.write(() => void put.run(['first', 1]));
  const seen = await database.write(() => {
    put.run(['second', 2]);
    return all();
  });
  expect(seen).toEqual([1]);
  expect(all()).toEqual([1, 2]);
});

test('what is asked for while the disk is busy shares the next transaction, and what throws there alone is not written', async () => {
  const { database, put, all } = open('on a thread');
  const written = database.prepareWrite('SELECT idx FROM ledger_past ORDER BY idx');
  const seen = () => [(written.all() as { idx: number }[]).map(({ idx }) => idx), all()];
  const first = database.write(() => void put.run(['first', 1]));
  await Promise.resolve();
  await Promise.resolve();
  const second = database.write(() => void put.run(['second', 2]));
  const broken = database.write(() => {
    put.run(['third', 3]);
    put.run(['second', 2]);
  });
  const last = database.write(seen);
  await expect(broken).rejects.toThrow(/UNIQUE/);
  await Promise.all([first, second]);
  // Its own transaction has the second, which others do not see yet; of the third there is nothing left.
  expect(await last).toEqual([[1, 2], [1]]);
  expect(all()).toEqual([1, 2]);
  await database.idle();
});
