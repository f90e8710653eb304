import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ContentId } from '@llmesh/core/base/ids';
import type { MeshError } from '@llmesh/core/base/errors';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import { FilePieceStore } from './file-piece-store.ts';
import { Seeding, type SeedOptions } from './seeding.ts';

const never = new AbortController().signal;
const evening = new Date('2026-11-30T23:59:00Z');
const midnight = new Date('2026-12-01T00:00:00Z');
let data: string;
let failures: MeshError[];
beforeEach(() => {
  data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-seeding-'));
  failures = [];
});
afterEach(() => rmSync(data, { recursive: true }));

/** A double: notes what is to be lent. */
function notingSwarm() {
  const lent: ContentId[][] = [];
  return { lent, swarm: { seed: async (ids: ContentId[]) => void lent.push([...ids]) } as unknown as Swarm };
}
const open = (options: Partial<SeedOptions> = {}, at = evening, isPaused = () => false) =>
  Seeding.open(
    {
      store: new FilePieceStore(path.join(data, 'models')),
      dataFolder: data,
      options: { seed: true, seedPerDay: 100, ...options },
      isPaused,
      failed: (error) => failures.push(error),
    },
    at,
  );
const model = (name: string) => {
  const file = path.join(data, name);
  writeFileSync(file, name);
  return { format: 'gguf', files: [file] } as const;
};

it('holds the limits of its owner, in megabytes as people count them, and gives nothing during a pause', async () => {
  let paused = false;
  const seeding = await open({ seedRate: 0.5 }, evening, () => paused);
  expect(seeding.limits).toEqual({ seeding: true, bytesPerSecond: 500_000, bytesPerDay: 100_000_000 });
  paused = true;
  expect(seeding.limits.seeding).toBe(false);
  expect((await open({ seed: false })).limits.seeding).toBe(false);
  expect((await open()).limits.bytesPerSecond).toBeNull();
});

it('remembers over a restart what was sent today, and begins anew the next day', async () => {
  await (await open()).keepSent(77_000_000, evening);
  expect((await open()).sentToday).toBe(77_000_000);
  expect((await open({}, midnight)).sentToday).toBe(0);
  writeFileSync(path.join(data, 'seeding.json'), '{"version":1,"day":"2026-11-30","bytes":-5}');
  expect((await open()).sentToday).toBe(0);
});

it('says when a limit cannot be remembered', async () => {
  mkdirSync(path.join(data, 'seeding.json'));
  await (await open()).keepSent(1, evening);
  expect(failures).toMatchObject([{ code: 'storage_full' }]);
});

it('lends one model after the other, says which it cannot, and lends none when its owner says no', async () => {
  const { lent, swarm } = notingSwarm();
  const missing = { format: 'gguf', files: [path.join(data, 'missing.gguf')] } as const;
  await (await open()).lend(swarm, [model('a.gguf'), missing, model('b.gguf')], never);
  expect(lent.map((ids) => ids.length)).toEqual([1, 2]);
  expect(failures).toMatchObject([
    { message: expect.stringContaining('missing.gguf is lent, but not given to others') },
  ]);
  await (await open({ seed: false })).lend(swarm, [model('c.gguf')], never);
  expect(lent).toHaveLength(2);
});
