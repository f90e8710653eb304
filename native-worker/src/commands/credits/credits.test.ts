/** The commands about credits as processes, on a control plane of its own with a real ledger. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import { openIdentity } from '../../node/identity-file.ts';
import { openMeshNode, releaseMeshNodes } from '../../node/mesh-node.ts';
import { FROM_SOURCE, Running, startControlPlane } from '../../testing/process.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'llmesh-credits-'));
const folder = (name: string) => path.join(root, name);
const SOON = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
let plane: Awaited<ReturnType<typeof startControlPlane>>;
let [ann, bob] = ['', ''] as [PeerId, PeerId];

beforeAll(async () => {
  const [a, b] = [await openIdentity(folder('ann')), await openIdentity(folder('bob'))];
  [ann, bob] = [a.identity.peerId, b.identity.peerId];
  await Promise.all([a.close(), b.close()]);
  const fund = [...FROM_SOURCE, 'signaling/src/testing/fund-folder.ts', folder('mesh'), folder('ann'), folder('bob')];
  const funding = new Running(fund);
  await funding.line((line) => line['ready'] === true);
  expect(await funding.exited).toBe(0);
  plane = await startControlPlane(0, {
    LLMESH_DATA: folder('mesh'),
    LLMESH_CREDITS: 'priority',
    LLMESH_JOIN_BITS: '0',
  });
});
afterAll(async () => {
  plane.process.kill('SIGTERM');
  await plane.process.exited;
  releaseMeshNodes();
  rmSync(root, { recursive: true });
});

/** As `--json` says it. */
async function llmesh(who: string, ...args: string[]) {
  const flags = ['--mesh', plane.url, '--data', folder(who), '--json'];
  const running = new Running(['native-worker/bin/llmesh.mjs', ...args, ...flags]);
  const code = await running.exited;
  return { code, lines: running.lines, stderr: running.stderr, error: errorIn(running.lines) };
}

function errorIn(lines: Record<string, unknown>[]): string {
  const { code, message } = (lines.at(-1)?.['error'] ?? {}) as { code?: string; message?: string };
  return `${code}: ${message}`;
}

describe('llmesh and credits', () => {
  it('shows a balance, and sends of it, beside a worker with the same key', async () => {
    expect(await llmesh('ann', 'balance')).toMatchObject({
      code: 0,
      lines: [{ peerId: ann, mode: 'priority', account: { free: 500_000, held: 0, stake: 0 }, earned: 500_000 }],
    });
    const { identity, close } = await openIdentity(folder('ann'));
    const worker = await openMeshNode(new URL(plane.url), { identity });
    const heard: number[] = [];
    worker.control.on('account', ({ free }) => heard.push(free));
    const news = new Promise<void>((resolve) =>
      worker.control.on('account', ({ free }) => free < 500_000 && resolve()),
    );

    expect(await llmesh('ann', 'transfer', bob, '0.2')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^bad_message: There is no terminal.*0\.2 credits.*--yes/),
    });
    expect(await llmesh('ann', 'transfer', bob, '0.2', '--yes')).toMatchObject({
      code: 0,
      lines: [{ done: { kind: 'transfer', to: bob, amount: 200_000 }, account: { free: 300_000 } }],
    });
    await news;
    expect(worker.control.state).toBe('open');
    expect(heard).toContain(300_000);
    await worker.close();
    await close();
    expect((await llmesh('ann', 'balance', '--peer', bob)).lines).toMatchObject([{ account: { free: 700_000 } }]);
    expect((await llmesh('ann', 'transfer', bob, '5', '--yes')).error).toMatch(
      /^credits_short: .*5 credits.*0\.3 free: 4\.7 are missing/,
    );
    expect((await llmesh('ann', 'transfer', ann, '0.1', '--yes')).error).toMatch(/^order_refused/);
  });

  it('puts up a stake, takes of it, and tells every change with its reason', async () => {
    expect(await llmesh('bob', 'stake', '0.1')).toMatchObject({ code: 0, lines: [{ account: { stake: 100_000 } }] });
    expect(await llmesh('bob', 'unstake', '0.04')).toMatchObject({
      lines: [{ account: { stake: 60_000, unbonding: 40_000 } }],
    });
    expect((await llmesh('bob', 'unstake', '1')).error).toMatch(/^credits_short/);
    const { lines } = await llmesh('bob', 'receipts', '--since', '2020-01-01');
    const reasons = lines.map(({ reason }) => reason);
    expect(reasons).toEqual(expect.arrayContaining(['staked', 'unstaked', 'transfer', 'uptime']));
    expect(lines.filter(({ reason }) => reason === 'transfer')).toMatchObject([{ amount: 200_000, other: ann }]);
    expect((await llmesh('bob', 'receipts', '--since', SOON)).lines).toEqual([]);

    const file = folder('bob.jsonl');
    expect(await llmesh('bob', 'export', file)).toMatchObject({ code: 0, lines: [{ file, postings: lines.length }] });
    const [head, ...rest] = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(head).toMatchObject({ llmesh: 'credits', peerId: bob, account: { stake: 60_000 } });
    expect(rest.flatMap(({ posting }) => posting ?? [])).toEqual(lines);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await llmesh('bob', 'export', file)).error).toMatch(/^storage_full: .*there is one already/);
  });

  it('shows what can be voted on, and says what is possible instead of what is not', async () => {
    const { lines } = await llmesh('ann', 'proposals');
    const parameters = lines[0]?.['parameters'] as { name: string; value: number }[];
    expect(parameters.find(({ name }) => name === 'slash')).toMatchObject({ value: 100 });
    expect((await llmesh('ann', 'propose', 'slash', '400')).error).toMatch(/anything from 50 to 150/);
    expect((await llmesh('ann', 'propose', 'moon', '1')).error).toMatch(/slash/);
    expect((await llmesh('ann', 'propose', 'slash', '120')).error).toMatch(/^order_refused: .*vote/);
    expect((await llmesh('ann', 'vote', '3', 'yes')).error).toMatch(/^order_refused: /);
  });

  it('says what is wrong with what was written, and who there is not', async () => {
    const usage = async (...args: string[]) => {
      const running = new Running(['native-worker/bin/llmesh.mjs', ...args]);
      return { code: await running.exited, words: running.stderr };
    };
    expect(await usage('transfer', bob, '-1')).toMatchObject({ code: 2 });
    expect(await usage('transfer', 'bob', '1')).toMatchObject({
      code: 2,
      words: expect.stringContaining('32 letters'),
    });
    expect(await usage('receipts', '--since', 'monday')).toMatchObject({
      code: 2,
      words: expect.stringContaining('2026-12-01'),
    });
    expect((await llmesh('nobody', 'balance')).error).toMatch(/^identity_unusable: .*llmesh worker/);
  });
});
