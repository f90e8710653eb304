/**
 * Credits with real processes: an answer is paid, whoever has no credits is answered all the same, a stranger's program recounts
 * it, and a mesh that requires credits says what is missing.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { Identity } from '@llmesh/core/identity/identity';
import { AccountPageSchema, PostingsPageSchema, ReceiptPageSchema } from '@llmesh/core/wire/credit-pages';
import { openIdentity } from 'llmesh/node/identity-file';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import * as v from 'valibot';
import { programArgs, programEnv } from '../../scripts/programs.mjs';
import { startMesh, WITH_RELAY } from '../src/mesh.ts';
import { ROOT, startProgram } from '../src/processes.ts';
import { oneIn } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const MAX_TOKENS = 600;
const [QUESTION, OTHER] = oneIn(100);

let root = '';
test.beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'llmesh-e2e-'));
});
test.afterAll(async () => {
  releaseMeshNodes();
  await rm(root, { recursive: true });
});

async function newPerson(name: string): Promise<{ folder: string; identity: Identity }> {
  const folder = join(root, name);
  const self = await openIdentity(folder);
  await self.close();
  return { folder, identity: self.identity };
}

/** A command as a person types it: how it ended, and what it printed. */
async function llmesh(...args: string[]): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, [...programArgs('native-worker/src/main.ts'), ...args], {
    cwd: ROOT,
    env: programEnv({ LLMESH_DATA: join(root, 'nobody') }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  child.stderr.on('data', (data: Buffer) => (text += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, text };
}

/** Comes, has its allowance, and goes. */
async function joins(url: string, identity: Identity): Promise<void> {
  const node = await openMeshNode(new URL(url), { identity });
  try {
    await expect.poll(() => node.control.account?.allowance ?? 0).toBeGreaterThan(0);
  } finally {
    await node.close();
  }
}

async function ask(url: string, identity: Identity, question: string): Promise<string> {
  const node = await openMeshNode(new URL(url), { identity });
  let text = '';
  const turns = [{ role: 'user' as const, content: question }];
  const request = { model: 'llmesh-tiny' as ModelId, turns, sampling: { temperature: 0 }, maxTokens: MAX_TOKENS };
  try {
    for await (const event of node.mesh.ask({ ...request, only: null }, AbortSignal.timeout(60_000))) {
      if (event.type === 'piece') text += event.text;
    }
    return text;
  } finally {
    await node.close();
  }
}

test('an answer is paid and split, who has nothing is answered free, and a stranger recounts it all', async () => {
  test.setTimeout(300_000);
  if (QUESTION === undefined || OTHER === undefined) throw new Error('needs two questions');
  const [payer, lender] = [await newPerson('payer'), await newPerson('lender')];
  const data = join(root, 'mesh');
  const funding = await startProgram('signaling/src/testing/fund-folder.ts', [data, payer.folder]);
  await funding.stop();
  const credits = { LLMESH_DATA: data, LLMESH_CREDITS: 'priority', LLMESH_JOIN_BITS: '0' };
  const mesh = await startMesh({ ...WITH_RELAY, ...credits });
  const page = async <S extends v.GenericSchema>(path: string, schema: S): Promise<v.InferOutput<S>> =>
    v.parse(schema, await (await fetch(`${mesh.url}/api/${path}`)).json());
  const earned = async (peer: PeerId) => (await page(`account?peer=${peer}`, AccountPageSchema)).earned;
  try {
    await mesh.addWorker('--data', lender.folder);
    const { peerId } = payer.identity;
    const before = (await page(`account?peer=${peerId}`, AccountPageSchema)).account;
    expect(await ask(mesh.url, payer.identity, QUESTION.question)).toBe(QUESTION.answer);

    // What a newcomer was given pays first; it moves the payer's account, and is no income for anyone.
    const postings = () => page(`postings?peer=${peerId}`, PostingsPageSchema);
    await expect.poll(async () => (await postings()).postings.some(({ reason }) => reason === 'paid')).toBe(true);
    const paid = (await postings()).postings.find(({ reason }) => reason === 'paid')!;
    expect(paid).toMatchObject({ other: lender.identity.peerId, model: 'llmesh-tiny' });
    const receipt = await page(`receipt?lease=${paid.lease}`, ReceiptPageSchema);
    expect(receipt).toMatchObject({ requester: peerId, provider: lender.identity.peerId, kind: 'receipt' });
    expect(receipt.paid).toBe(Math.ceil((receipt.units * receipt.price) / 1_000));
    expect(receipt.units).toBeGreaterThan(0);
    const { account } = await page(`account?peer=${peerId}`, AccountPageSchema);
    expect(account.held).toBe(0);
    expect(account.free + account.allowance).toBeLessThanOrEqual(before.free + before.allowance + 5_000_000);

    // Three newcomers of one network have an allowance today; whoever comes then has nothing, and chats free.
    const income = await earned(lender.identity.peerId);
    await joins(mesh.url, (await newPerson('third')).identity);
    const chat = await llmesh('chat', OTHER.question, '--mesh', mesh.url, '--max-tokens', String(MAX_TOKENS));
    expect(chat).toMatchObject({ code: 0, text: expect.stringContaining(OTHER.answer.slice(0, 20)) });
    expect(await earned(lender.identity.peerId)).toBe(income);

    const verified = await llmesh('verify', mesh.url, '--json', '--data', join(root, 'stranger'));
    expect(verified).toMatchObject({ code: 0, text: expect.stringContaining('"truth":true') });
  } finally {
    await mesh.stop();
  }
});

test(
  'where credits are required, whoever has too few is told the price, what there is and what is missing',
  { tag: '@wide' },
  async () => {
    test.setTimeout(300_000);
    const lender = await newPerson('other-lender');
    const credits = { LLMESH_DATA: join(root, 'strict'), LLMESH_CREDITS: 'required', LLMESH_JOIN_BITS: '0' };
    const mesh = await startMesh({ ...WITH_RELAY, ...credits });
    try {
      await mesh.addWorker('--data', lender.folder);
      // Up to 10 credits and more, where a newcomer has 5.
      const chat = await llmesh('chat', 'What is LLMesh?', '--mesh', mesh.url, '--max-tokens', '300000');
      expect(chat.code).toBe(1);
      expect(chat.text).toMatch(/costs up to [\d.]+ credits .*you have [\d.]+ to spend: [\d.]+ are missing/);
    } finally {
      await mesh.stop();
    }
  },
);
