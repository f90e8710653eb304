/**
 * A worker lends another file under a good file's name. Two auditors find out, and once it is mended they let it out of quarantine; everything
 * is a process of its own.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import type { CheckNews } from '@llmesh/core/ask/answer';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import { readCalibrations } from '@llmesh/core/proof/calibration';
import { recount } from '@llmesh/core/proof/recount';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { digestFile, rememberHash } from '../files/file-hash.ts';
import { MeshOfProcesses } from '../testing/mesh-of-processes.ts';
import { startLlmesh, type Running } from '../testing/process.ts';
import { worseModel } from '../testing/worse-model.ts';
import { keepIdentityKey } from './identity-file.ts';

const MODEL = fileURLToPath(new URL('../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
/** No model that is known, whose answers would be tried before it is lent. */
const NAME = 'good-model';
const MAX_ANSWERS = 20;
const never = new AbortController().signal;
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-cheat-'));

const GOOD = path.join(folder, 'good.gguf');

const keys = Object.fromEntries(
  ['cheat', 'ada', 'bob'].map((name) => [name, randomBytes(SECRET_KEY_BYTES)] as const),
) as Record<'cheat' | 'ada' | 'bob', Uint8Array>;
type Name = keyof typeof keys;
const peer = (name: Name): PeerId => nodeIdentity(keys[name]).peerId;
/** What honest engines of one kind differ by on one machine: hardly anything. */
const calibration = { provider: 'llama.cpp/cpu', auditor: 'llama.cpp/cpu', file: null, mean: 0.01 };
const calibrations = path.join(folder, 'calibrations.json');
const measured = { answers: 1, tokens: 1, measured: 'assumed by a test' };
const rows = readCalibrations(['greedy', 'seed'].map((mode) => ({ ...calibration, mode, ...measured }))) ?? [];
writeFileSync(calibrations, JSON.stringify(rows));

const mesh = MeshOfProcesses.forTests(
  {
    LLMESH_AUDIT_SHARE: '1',
    LLMESH_AUDIT_EPOCH_MS: '200',
    LLMESH_AUDITORS: [peer('ada'), peer('bob')].join(','),
    LLMESH_CALIBRATIONS: calibrations,
    // Those who question somebody whom they suspect do not show who they are.
    LLMESH_RELAY_LINKS: '100',
  },
  () => rmSync(folder, { recursive: true }),
);

let sha256: string;
beforeAll(async () => {
  writeFileSync(GOOD, worseModel(readFileSync(MODEL), 4_001));
  sha256 = await digestFile(GOOD, never);
});

/** Lends this file as if it were the good one. */
async function lend(name: Name, bytes: Buffer): Promise<Running> {
  const data = path.join(folder, name);
  const file = path.join(data, `${NAME}.gguf`);
  mkdirSync(data, { recursive: true });
  writeFileSync(file, bytes);
  await keepIdentityKey(data, keys[name]);
  await rememberHash(file, data, sha256);
  const worker = startLlmesh(
    ...['worker', '--model', file, '--mesh', mesh.url, '--gpu', 'off', '--threads', '1', '--slots', '1'],
    ...['--data', data, '--json'],
  );
  mesh.started.push(worker);
  await worker.line((line) => line['ready'] === true);
  return worker;
}

/** Asks one provider, and waits until its answer is checked. Rejects where the mesh sends nobody there. */
async function checked(provider: PeerId, content: string): Promise<Extract<CheckNews, { provider: PeerId }>> {
  const others = (['cheat', 'ada', 'bob'] as const).map(peer).filter((other) => other !== provider);
  return new Promise((resolve, reject) => {
    const onChecked = (news: CheckNews) => {
      if (news.verdict !== 'asked' && news.pending === 0) resolve(news);
    };
    const asked = {
      model: NAME as ModelId,
      sha256,
      turns: [{ role: 'user' as const, content }],
      sampling: { temperature: 1 },
    };
    const request = { ...asked, maxTokens: 32, only: null, exclude: others, onChecked };
    const read = async () => {
      for await (const _event of mesh.client.mesh.ask(request, never));
    };
    read().catch(reject);
  });
}

async function command(...args: string[]) {
  const running = startLlmesh(...args, '--json');
  const code = await running.exited;
  return { code, line: running.lines.at(-1) ?? {}, stderr: running.stderr };
}

/** What the cheat's owner reads. */
async function standing() {
  const { line } = await command('worker', 'status', '--data', path.join(folder, 'cheat'));
  return (line['worker'] as { standings: { level: string; reason: string; checked: number }[] }).standings[0];
}

const POLLED = { timeout: 120_000, interval: 1_000 };
let cheating: Running;

it('it is quarantined before it has given twenty answers, and its owner reads why', { timeout: 480_000 }, async () => {
  const good = readFileSync(GOOD);
  [cheating] = await Promise.all([lend('cheat', worseModel(good, 7)), lend('ada', good), lend('bob', good)]);
  const found: Awaited<ReturnType<typeof checked>>[] = [];
  let end: unknown = null;
  while (end === null && found.length < MAX_ANSWERS) {
    await checked(peer('cheat'), `What is a mesh of ${found.length + 2} computers?`).then(
      (news) => found.push(news),
      (thrown: unknown) => (end = thrown),
    );
    // The second auditor has to be heard, too: else the next answer is asked for before anything follows from this one.
    await expect.poll(async () => (await standing())?.checked ?? 0, POLLED).toBeGreaterThanOrEqual(found.length);
  }
  expect(end).toMatchObject({ code: 'no_provider' });
  expect(await standing()).toMatchObject({
    level: expect.stringMatching(/^(quarantined|convicted)$/),
    reason: expect.stringMatching(/\w+ \w+/),
  });
  const last = found.find(({ bundle }) => recount(bundle, rows).verdict === 'deviates');
  if (last === undefined) throw new Error('None of its answers deviates.');

  // Anyone who has the file finds the same, with the good model and without it.
  const file = path.join(folder, 'answer.audit');
  writeFileSync(file, last.bundle);
  const recounted = await command('audit', 'check', file, '--calibrations', calibrations, '--model', GOOD);
  expect(recounted).toMatchObject({ code: 4, line: { verdict: 'deviates', drawn: true, provider: peer('cheat') } });
  writeFileSync(
    file,
    last.bundle.map((byte, i) => (i === last.bundle.byteLength >> 1 ? byte ^ 1 : byte)),
  );
  expect(await command('audit', 'check', file)).toMatchObject({ code: 1, line: { error: expect.anything() } });

  // Nobody is sent there any more, and honest answers agree.
  const offered = await (await fetch(`${mesh.url}/api/peers`)).text();
  expect(offered).toContain(peer('ada'));
  const honest = await checked(peer('ada'), 'What is a mesh?');
  expect(honest.checks.map(({ auditor }) => auditor)).toEqual([peer('bob')]);
  expect(recount(honest.bundle, rows).verdict).toBe('agrees');
});

it(
  'once it is mended its owner asks for a test, others question it, and the quarantine ends',
  { timeout: 480_000 },
  async () => {
    const data = path.join(folder, 'cheat');
    expect(await standing()).toMatchObject({ level: 'quarantined', reason: expect.stringContaining('llmesh retest') });
    cheating.kill('SIGTERM');
    await cheating.exited;
    await lend('cheat', readFileSync(GOOD));
    expect(await standing()).toMatchObject({ level: 'quarantined' });
    expect(await command('retest', '--data', data, '--mesh', mesh.url)).toMatchObject({ code: 0 });
    await expect.poll(standing, POLLED).toMatchObject({
      level: expect.stringMatching(/^(good|suspected)$/),
      reason: expect.stringContaining('The quarantine has ended'),
    });
    // Strangers are sent there again.
    await checked(peer('cheat'), 'What is a mesh, after all?');
  },
);
