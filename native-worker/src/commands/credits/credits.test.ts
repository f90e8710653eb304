/** The commands about credits as processes, on a control plane of its own with a real ledger. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import { inCredits } from '@llmesh/core/ledger/credit';
import type { MeshError } from '@llmesh/core/base/errors';
import { LogError } from '@llmesh/log/base/log-error';
import { checkTlogProof, readTlogProof } from '@llmesh/log/read/tlog-proof';
import { readPolicy } from '@llmesh/log/witness/policy';
import { Output } from '../../cli/output.ts';
import { openIdentity } from '../../node/identity-file.ts';
import { openMeshNode, releaseMeshNodes } from '../../node/mesh-node.ts';
import { FROM_SOURCE, Running, startControlPlane } from '../../testing/process.ts';
import { serveReport } from '../../status/report-socket.ts';
import { WorkerReport } from '../../status/worker-report.ts';
import { showWorker } from '../worker-status-command.ts';
import { showBalance, showReceipts } from './balance-command.ts';
import { exportHistory } from './export-command.ts';
import { stake, transfer, unstake } from './order-command.ts';
import { parameterLine } from '../credit-words.ts';
import type { CreditOptions } from './own-peer.ts';
import { propose, showProposals, vote } from './vote-command.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'llmesh-credits-'));
/** What each has to begin with: an hour of being there. */
const FUNDED = PARAMETERS['uptime-cap'].initial;
const TENTH = FUNDED / 10;
const folder = (name: string) => path.join(root, name);
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

/** As a process of its own, which says it with `--json`. */
async function llmesh(who: string, ...args: string[]) {
  const flags = ['--mesh', plane.url, '--data', folder(who), '--json'];
  const running = new Running(['native-worker/bin/llmesh.mjs', ...args, ...flags]);
  const code = await running.exited;
  const { code: why, message } = (running.lines.at(-1)?.['error'] ?? {}) as { code?: string; message?: string };
  return { code, lines: running.lines, error: `${why}: ${message}` };
}

/** Remembers what a command prints. */
class Heard extends Output {
  readonly lines: Record<string, unknown>[] = [];
  readonly sentences: string[] = [];

  override print(sentence: string, data: object): void {
    this.sentences.push(sentence);
    this.lines.push(data as Record<string, unknown>);
  }

  override note(): void {}
}

/** The same in this process, as most of the time of one goes into its start. */
async function here(run: (options: CreditOptions, output: Output) => Promise<void>, who: string) {
  const output = new Heard(true);
  const error = await run({ mesh: new URL(plane.url), data: folder(who) }, output).then(
    () => '',
    (thrown: MeshError) => `${thrown.code}: ${thrown.message}`,
  );
  return { lines: output.lines, sentences: output.sentences, error };
}

describe('llmesh and credits', () => {
  it('shows a balance, and sends of it, beside a worker with the same key', async () => {
    const { identity, close } = await openIdentity(folder('ann'));
    const worker = await openMeshNode(new URL(plane.url), { identity });
    const first = new Promise<void>((resolve) => worker.control.on('account', () => resolve()));
    const news = new Promise<void>((resolve) => worker.control.on('account', ({ free }) => free < FUNDED && resolve()));
    await first;
    expect(await llmesh('ann', 'transfer', bob, inCredits(4 * TENTH))).toMatchObject({
      code: 1,
      error: expect.stringMatching(/^bad_message: There is no terminal.*--yes/),
    });
    expect(await llmesh('ann', 'transfer', bob, inCredits(4 * TENTH), '--yes')).toMatchObject({
      code: 0,
      lines: [{ done: { kind: 'transfer', to: bob, amount: 4 * TENTH }, account: { free: 6 * TENTH } }],
    });
    await news;
    expect(worker.control).toMatchObject({ state: 'open', account: { free: 6 * TENTH } });
    await worker.close();
    await close();
    expect(await llmesh('ann', 'balance')).toMatchObject({
      code: 0,
      lines: [{ peerId: ann, mode: 'priority', account: { free: 6 * TENTH, held: 0, stake: 0 }, earned: FUNDED }],
    });
    const { sentences } = await here((options, output) => showBalance({ ...options, peer: bob }, output), 'ann');
    const had = inCredits(FUNDED);
    expect(sentences[0]).toMatch(new RegExp(`Free +${inCredits(14 * TENTH)}[,\\n]`));
    expect(sentences[0]).toMatch(new RegExp(`Earned +${had} in all`));
    // It was there in the hours before: within an hour after midnight they are yesterday's.
    expect(sentences[0]).toMatch(new RegExp(`Today +(${had}|0) earned: 0 for answers, \\1 for being there`));
    const send = (to: PeerId, amount: number) =>
      here((options, output) => transfer(to, amount, { ...options, yes: true }, output), 'ann');
    expect((await send(bob, 5_000_000)).error).toMatch(/^credits_short: .*5 credits.* are missing/);
    expect((await send(ann, TENTH)).error).toMatch(/^order_refused/);
  });

  it('puts up a stake, takes of it, and tells every change with its reason', async () => {
    const bobs = (run: Parameters<typeof here>[0]) => here(run, 'bob');
    expect((await bobs((options, output) => stake(2 * TENTH, options, output))).lines).toMatchObject([
      { account: { stake: 2 * TENTH } },
    ]);
    expect((await bobs((options, output) => unstake(TENTH, options, output))).lines).toMatchObject([
      { account: { stake: TENTH, unbonding: TENTH } },
    ]);
    expect((await bobs((options, output) => unstake(1_000_000, options, output))).error).toMatch(/^credits_short/);
    const since = (ms: number) => bobs((options, output) => showReceipts({ ...options, since: ms }, output));
    const { lines } = await since(0);
    const reasons = lines.map(({ reason }) => reason);
    expect(reasons).toEqual(expect.arrayContaining(['staked', 'unstaked', 'transfer', 'uptime']));
    expect(lines.filter(({ reason }) => reason === 'transfer')).toMatchObject([{ amount: 4 * TENTH, other: ann }]);
    expect((await since(Date.now() + 86_400_000)).lines).toEqual([]);

    const file = folder('bob.jsonl');
    const exported = () => bobs((options, output) => exportHistory(file, options, output));
    expect((await exported()).lines).toMatchObject([{ file, postings: lines.length }]);
    const [head, ...rest] = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(head).toMatchObject({ llmesh: 'credits', peerId: bob, account: { stake: TENTH } });
    expect(rest.flatMap(({ posting }) => posting ?? [])).toEqual(lines);
    // Whoever has the policy of the mesh checks each proof without asking it anything.
    const policy = readPolicy(new Uint8Array(await (await fetch(`${plane.url}/log/policy`)).arrayBuffer()));
    const proofs = rest.flatMap(
      ({ proof }) => (proof as { index: number; event: string; proof: string } | undefined) ?? [],
    );
    expect(proofs.length).toBeGreaterThan(0);
    for (const { index, event, proof } of proofs) {
      const read = readTlogProof(Buffer.from(proof))!;
      expect(read.index).toBe(index);
      expect(checkTlogProof(read, Buffer.from(event, 'base64'), policy).final).toBe(true);
      expect(() => checkTlogProof(read, Buffer.from('another event'), policy)).toThrow(LogError);
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await exported()).error).toMatch(/^storage_full: .*there is one already/);
  });

  it('says in the status of a worker what it earned today, and why that much', async () => {
    const report = new WorkerReport(new URL(plane.url), Date.now());
    report.known(ann, 'a worker');
    const served = await serveReport(folder('ann'), report);
    const { lines, sentences } = await here(({ data }, output) => showWorker({ data: data! }, output), 'ann');
    await served.close();
    expect(lines[0]).toMatchObject({ worker: { peerId: ann }, credits: { account: { free: 6 * TENTH } } });
    expect(sentences[0]).toMatch(/Credits +[\d.]+ earned: .* today\n.*llmesh balance.*\n.*an hour now/);
  });

  it('shows what can be voted on, and says what is possible instead of what is not', async () => {
    const { lines } = await here(showProposals, 'ann');
    const parameters = lines[0]?.['parameters'] as { name: string; value: number }[];
    expect(parameters.find(({ name }) => name === 'slash')).toMatchObject({ value: 100 });
    const shown = parameters.find(({ name }) => name === 'price-tiny') as Parameters<typeof parameterLine>[0];
    expect(parameterLine(shown)).toMatch(
      /^ {2}price-tiny = 0\.1 credits for 1,000 units \(0\.001 to 100, at most 0\.1 at a time\): /,
    );
    const proposed = (name: string, value: string) =>
      here((options, output) => propose(name, value, options, output), 'ann');
    expect((await proposed('slash', '40')).error).toMatch(/is 10 per cent now: .* anything from 5 to 15\./);
    expect((await proposed('slash', 'ten')).error).toMatch(/anything from 5 to 15\./);
    expect((await proposed('slash', '10.0')).error).toMatch(/already/);
    expect((await proposed('price-tiny', '150000')).error).toMatch(/anything from 0\.001 to 0\.2\./);
    expect((await proposed('moon', '1')).error).toMatch(/slash/);
    expect((await proposed('slash', '12.5')).error).toMatch(/^order_refused: .*vote/);
    const voted = await here((options, output) => vote(3, 'yes', options, output), 'ann');
    expect(voted.error).toMatch(/^order_refused: /);
  });

  it('says what is wrong with what was written, and who there is not', async () => {
    const running = new Running(['native-worker/bin/llmesh.mjs', 'transfer', 'bob', '1']);
    expect([await running.exited, running.stderr]).toEqual([2, expect.stringContaining('32 letters')]);
    expect((await here(showBalance, 'nobody')).error).toMatch(/^identity_unusable: .*llmesh worker/);
  });
});
