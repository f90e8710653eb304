/**
 * What a newcomer does: comes, asks, reads the answer, lends, answers somebody, and sees the first credits. A picture
 * of each step lies beside the report; with `PICTURES=docs/screens` they go there.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, type TestInfo } from '@playwright/test';
import type { ModelId } from '@llmesh/core/base/ids';
import { openIdentity } from 'llmesh/node/identity-file';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import { answered, tinyIsOffered } from '../src/chat.ts';
import { SIZES } from '../src/looks.ts';
import { startMesh, WITH_RELAY } from '../src/mesh.ts';
import { startProgram } from '../src/processes.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

test.describe.configure({ timeout: 300_000 });
test.afterAll(releaseMeshNodes);

/** Numbers the pictures of one walk. */
function pictures(page: Page, info: TestInfo): (step: string) => Promise<void> {
  const folder = process.env['PICTURES'];
  let taken = 0;
  return async (step) => {
    const name = `newcomer-${++taken}-${step}.png`;
    await page.screenshot({ path: folder === undefined ? info.outputPath(name) : join(folder, name) });
  };
}

test('a newcomer gets an answer, lends, and sees the first credits', async ({ commonBrowsers }, info) => {
  const root = await mkdtemp(join(tmpdir(), 'llmesh-e2e-'));
  const data = join(root, 'mesh');
  const payer = await openIdentity(join(root, 'payer'));
  await payer.close();
  await (await startProgram('signaling/src/testing/fund-folder.ts', [data, join(root, 'payer')])).stop();
  const mesh = await startMesh({ ...WITH_RELAY, LLMESH_DATA: data, LLMESH_CREDITS: 'priority', LLMESH_JOIN_BITS: '0' });
  const context = await (await commonBrowsers.get('chromium')).newContext({ viewport: SIZES.desktop });
  try {
    const worker = await mesh.addWorker();
    const page = await context.newPage();
    const picture = pictures(page, info);
    await page.goto(mesh.url);
    await tinyIsOffered(page);
    await picture('comes');

    await page.getByRole('button', { name: 'What is LLMesh?' }).click();
    await expect(await answered(page)).toContainText('LLMesh');
    await picture('is-answered');

    await page.getByRole('link', { name: 'Donate', exact: true }).click();
    await page.getByRole('button', { name: 'Start donating' }).click();
    const status = page.getByRole('status', { name: 'Provider status' });
    await expect(status).toContainText('Ready. No requests', { timeout: 120_000 });
    await picture('lends');

    // Nobody else is left to answer.
    await worker.stop();
    const node = await openMeshNode(new URL(mesh.url), { identity: payer.identity });
    const [asked] = plain;
    let said = '';
    const question = { model: 'llmesh-tiny' as ModelId, turns: [{ role: 'user' as const, content: asked!.question }] };
    const settings = { sampling: { temperature: 0 }, maxTokens: 600, only: null };
    for await (const event of node.mesh.ask({ ...question, ...settings }, AbortSignal.timeout(120_000)))
      if (event.type === 'piece') said += event.text;
    await node.close();
    expect(said).toBe(asked!.answer);
    await expect(page.getByRole('region', { name: 'What you gave' })).toContainText('1 answer');
    await picture('has-answered');

    await page.getByRole('link', { name: 'Credits', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'Credits', exact: true, level: 1 })).toBeVisible();
    const history = page.getByRole('region', { name: 'What happened' });
    // What a newcomer is given, and what the first answer cost of it.
    await expect(history).toContainText('Paid for an answer', { timeout: 60_000 });
    await expect(history).toContainText('+5');
    await picture('sees-the-first-credits');
  } finally {
    await context.close();
    await mesh.stop();
    await rm(root, { recursive: true });
  }
});
