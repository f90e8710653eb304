/** A network of somebody's own: its page, in a real browser, asks and answers in it, and its receipts count in no other. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { toBase32 } from '@llmesh/core/base/base32';
import type { ModelId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { networkIdOf, signGenesis } from '@llmesh/core/networks/genesis';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import { answered, ask, tinyIsOffered } from '../src/chat.ts';
import { startMesh } from '../src/mesh.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

test.describe.configure({ timeout: 240_000 });
test.afterAll(releaseMeshNodes);

test('a page of a network with a genesis asks, is answered, and answers, and all of it is signed in that network', async ({
  commonBrowsers,
}) => {
  const root = await mkdtemp(join(tmpdir(), 'llmesh-e2e-'));
  const genesis = await signGenesis(
    {
      ...{
        name: 'StorageNet',
        kinds: ['chat'],
        parameters: new Map(),
        logic: null,
        isPrivate: false,
        foundedMs: Date.now(),
      },
      credit: { name: 'STORE', symbol: 'STR', uptime: 40, tasks: 40, governance: 20 },
      witnesses: { keys: [], quorum: 0 },
    },
    nodeIdentity(randomBytes(32)),
  );
  const file = join(root, 'genesis');
  await writeFile(file, toBase32(genesis));
  const mesh = await startMesh({ LLMESH_RELAY_LINKS: '0', LLMESH_JOIN_BITS: '0' }, ['--genesis', file]);
  const context = await (await commonBrowsers.get('chromium')).newContext();
  /** Both ends file the receipt of each answer. */
  const filed = async () => {
    const text = await (await fetch(`${mesh.url}/metrics`)).text();
    return Number(/llmesh_receipts_filed_total\{kind="receipt"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  try {
    const worker = await mesh.addWorker();
    const page = await context.newPage();
    await page.goto(mesh.url);
    await tinyIsOffered(page);
    await ask(page, plain[0]!.question);
    await expect(await answered(page)).toContainText(plain[0]!.answer.slice(0, 20));
    await expect.poll(filed, { timeout: 30_000 }).toBe(2);

    await page.getByRole('link', { name: 'Donate', exact: true }).click();
    await page.getByRole('button', { name: 'Start donating' }).click();
    const status = page.getByRole('status', { name: 'Provider status' });
    await expect(status).toContainText('Ready. No requests', { timeout: 120_000 });
    await worker.stop();
    const node = await openMeshNode(new URL(mesh.url));
    let text = '';
    const turns = [{ role: 'user' as const, content: plain[1]!.question }];
    const question = {
      turns,
      model: 'llmesh-tiny' as ModelId,
      sampling: { temperature: 0 },
      maxTokens: 64,
      only: null,
    };
    for await (const event of node.mesh.ask(question, AbortSignal.timeout(60_000))) {
      if (event.type === 'piece') text += event.text;
    }
    expect(text.length).toBeGreaterThan(0);
    expect(node.control.network).toBe(networkIdOf(genesis));
    await expect.poll(filed, { timeout: 30_000 }).toBe(4);
    await node.close();
  } finally {
    await context.close();
    await mesh.stop();
    await rm(root, { recursive: true });
  }
});
