/** A log with two faces: each of two peers was shown one, and they tell each other. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { Checkpoints } from '@llmesh/core/peers/checkpoints';
import { writeKey } from '@llmesh/log/note/key';
import type { SeenFork } from '@llmesh/log/read/fork-watch';
import { ada, bob, eve, LyingLog } from '../testing/lying-log.ts';
import { evidenceIn } from './evidence.ts';
import { watchLog } from './watch-log.ts';

let folder: string;
const stops: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'llmesh-forks-'));
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  rmSync(folder, { recursive: true });
});

/** What the log shows to one of the two. */
async function face(last: 'transfer to ada' | 'transfer to eve'): Promise<LyingLog> {
  const log = new LyingLog();
  await log.live(2);
  log.world.ms += 1_000;
  const to = last === 'transfer to ada' ? ada : eve;
  log.world.add(await log.world.order(bob, { kind: 'transfer', to: to.peerId, amount: 7 }));
  await log.publish();
  log.files.set('policy', Buffer.from(`log ${writeKey(log.signer.key)}\nquorum none\n`));
  return log;
}

function watching(log: LyingLog) {
  const checkpoints = new Checkpoints(new ManualClock());
  const forks: { fork: SeenFork; file: string }[] = [];
  const failures: unknown[] = [];
  const peer = { mesh: { checkpoints }, control: { issuer: log.world.control.peerId } };
  stops.push(
    watchLog(peer, {
      ...{ fetch: log.fetch, folder, now: () => 0 },
      forked: (fork, file) => forks.push({ fork, file }),
      failed: (error) => failures.push(error),
    }),
  );
  checkpoints.shown({ type: 'checkpoint', note: log.note, from: 0, proof: [], final: true });
  return { checkpoints, forks, failures };
}

it('forks the log: who was shown one past hears of the other, and keeps both', async () => {
  const [one, other] = [await face('transfer to ada'), await face('transfer to eve')];
  const { checkpoints, forks, failures } = watching(one);
  checkpoints.heard(other.note, ada.peerId);
  await vi.waitFor(() => expect(forks).toHaveLength(1));
  const [{ fork, file }] = forks as [{ fork: SeenFork; file: string }];
  expect(await evidenceIn(folder)).toEqual([file]);
  const kept = readFileSync(file, 'utf8');
  for (const note of [fork.seen, fork.shown]) expect(kept).toContain(note);
  expect(kept).toContain(ada.peerId);
  expect(failures).toEqual([]);
});

it('says nothing of the same past, of what the log has not signed, and of one fork twice', async () => {
  const log = await face('transfer to ada');
  const { checkpoints, forks, failures } = watching(log);
  const earlier = log.note;
  await log.live(1);
  await log.publish();
  checkpoints.shown({ type: 'checkpoint', note: log.note, from: 0, proof: [], final: true });
  const stranger = new LyingLog(bob);
  await stranger.live(1);
  await stranger.publish();
  checkpoints.heard(earlier, ada.peerId);
  checkpoints.heard(stranger.note, bob.peerId);
  const other = await face('transfer to eve');
  checkpoints.heard(other.note, eve.peerId);
  await vi.waitFor(() => expect(forks).toHaveLength(1));
  checkpoints.heard(`${other.note}— somebody else c2ln\n`, eve.peerId);
  await vi.waitFor(async () => expect(await evidenceIn(folder)).toHaveLength(1));
  expect([forks.length, failures]).toEqual([1, []]);
});
