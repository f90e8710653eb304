import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asMeshError, type MeshError } from '@llmesh/core/base/errors';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { KeyRing, LOOK_MS } from './key-ring.ts';
import { addKey } from './keys.ts';

let folder: string;
let file: string;
let clock: ManualClock;
let counts: number[];
let failures: MeshError[];
let ring: KeyRing;
beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-ring-'));
  file = path.join(folder, 'keys');
  [clock, counts, failures] = [new ManualClock(), [], []];
  await addKey(file, 'ann');
  ring = await open();
});
afterEach(() => {
  ring.close();
  rmSync(folder, { recursive: true });
});

const open = () =>
  KeyRing.open(file, {
    clock,
    changed: (keys) => counts.push(keys),
    failed: (thrown) => failures.push(asMeshError(thrown, 'storage_full', 'not of the keys')),
  });
const names = () => ring.keys.map(({ name }) => name);

/** Waits in real time, as the file system is only so quick. */
async function eventually(check: () => void): Promise<void> {
  await expect
    .poll(
      () => {
        clock.turn(LOOK_MS);
        try {
          check();
          return 'so it is';
        } catch (thrown) {
          return String(thrown);
        }
      },
      { interval: 5, timeout: 5_000 },
    )
    .toBe('so it is');
}

describe('the keys of a running gateway', () => {
  it('are those of the file: one that is made counts, and one whose line is removed does not', async () => {
    expect(names()).toEqual(['ann']);
    await addKey(file, 'bob');
    await eventually(() => expect(names()).toEqual(['ann', 'bob']));
    writeFileSync(file, readFileSync(file, 'utf8').split('\n').slice(1).join('\n'));
    await eventually(() => expect(names()).toEqual(['bob']));
    rmSync(file);
    await eventually(() => expect(names()).toEqual([]));
    expect([counts, failures]).toEqual([[2, 1, 0], []]);
  });

  it('are read again when another file takes the place, of the same size and time', async () => {
    const { length } = readFileSync(file);
    const other = path.join(folder, 'other');
    await addKey(other, 'bob');
    expect(readFileSync(other).length).toBe(length);
    utimesSync(other, 1_000, 1_000);
    utimesSync(file, 1_000, 1_000);
    renameSync(other, file);
    await eventually(() => expect(names()).toEqual(['bob']));
  });

  it('stay as they were while the file is broken, which is said once', async () => {
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, 'sk-llmesh-plain\n');
    await eventually(() => expect(failures.length).toBe(1));
    expect(failures[0]?.code).toBe('key_unreadable');
    expect(failures[0]?.message).not.toContain('sk-llmesh-plain');
    expect(names()).toEqual(['ann']);
    writeFileSync(file, good.replace('ann', 'eve'));
    await eventually(() => expect(names()).toEqual(['eve']));
    expect([counts, failures.length]).toEqual([[1], 1]);
  });

  it.runIf(process.platform !== 'win32')('stay as they were while others can read the file', async () => {
    chmodSync(file, 0o644);
    await eventually(() => expect(failures.length).toBe(1));
    expect(failures[0]?.message).toContain('chmod 600');
    expect(names()).toEqual(['ann']);
  });

  it('are looked at no more when it is closed', async () => {
    ring.close();
    ring.close();
    const still = ring.keys;
    ring = await open();
    await addKey(file, 'bob');
    await eventually(() => expect(names()).toEqual(['ann', 'bob']));
    expect(still.length).toBe(1);
    expect(counts).toEqual([2]);
  });
});
