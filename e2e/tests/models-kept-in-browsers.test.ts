/** A browser that keeps models for others: asked by the mesh, checked by another peer, and the last to have it. */
import { expect, type Page } from '@playwright/test';
import { scriptHasher } from '@llmesh/core/models/hasher';
import { MemoryPieceStore } from '@llmesh/core/testing/memory-piece-store';
import { openMeshNode } from 'llmesh/node/mesh-node';
import { openPage } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { storedModels } from '../src/model-store.ts';
import { test } from '../src/visit.ts';

const GGUF = '**/models/tiny/*.gguf';
/** The control plane looks once a minute. */
const ASKED_MS = 120_000;

let mesh: TestMesh;
test.beforeEach(async () => {
  test.setTimeout(300_000);
  mesh = await startMesh();
});
test.afterEach(() => mesh.stop());

const kept = (page: Page) => page.getByRole('status', { name: 'Kept for others' });
const keeps = (page: Page) => page.getByRole('switch', { name: 'Keep models for others' });

test(
  'a browser keeps what the mesh asks for, shows that it has it, gives it when nobody else does, and removes it at a press',
  { tag: '@wide' },
  async ({ commonBrowsers }) => {
    const worker = await mesh.addWorker();
    const browser = await commonBrowsers.get('chromium');
    const { page } = await openPage(browser, 'about:blank');
    await page.context().route(GGUF, (route) => route.abort());
    await page.goto(`${mesh.url}/donate`);
    await expect(keeps(page)).not.toBeChecked();
    await keeps(page).press('Space');
    await expect(kept(page)).toHaveText('None so far: the mesh asks when it needs copies.');
    await page.getByLabel('Keep at most').selectOption({ index: 0 });
    await expect(kept(page)).toContainText('One model, 3.4 MB.', { timeout: ASKED_MS });
    await expect(page.getByRole('status', { name: 'Sharing' })).toHaveText('Sharing what is kept for others.');
    const [{ content } = { content: '' }] = await storedModels(page);

    // As an auditor of storage does, from a peer of its own.
    const store = new MemoryPieceStore();
    const limits = () => ({ seeding: false, bytesPerSecond: null, bytesPerDay: null });
    const asker = await openMeshNode(new URL(mesh.url), {
      models: (control) => ({ store, holders: control, hasher: scriptHasher, limits, failed: () => {} }),
    });
    const wanted = { content: content as never, sha256: null };
    const never = new AbortController().signal;
    await worker.stop();
    await expect
      .poll(async () => (await asker.control.holders(wanted, never)).length, { timeout: 60_000, intervals: [1_500] })
      .toBe(1);
    const [holder] = await asker.control.holders(wanted, never);
    if (holder === undefined || asker.mesh.swarm === null) throw new Error('Nobody has it.');
    const drawn = (leaves: number) => [0, 1, 2, 3].map((n) => Math.floor((n * (leaves - 1)) / 3));
    const finding = await asker.mesh.swarm.check(holder, { content: wanted.content, drawn }, never);
    test.info().annotations.push({ type: 'slowest leaf, ms', description: String(finding.slowestMs) });
    expect(finding.outcome).toMatch(/^(?:kept|late)$/);
    expect(finding.sizeBytes).toBeGreaterThan(3_000_000);
    await asker.close();

    // Nobody else has it now, and the hub is off.
    const joiner = await openPage(browser, 'about:blank');
    await joiner.page.context().route(GGUF, (route) => route.abort());
    await joiner.page.goto(`${mesh.url}/donate`);
    await joiner.page.getByRole('button', { name: 'Start donating' }).click();
    await expect(joiner.page.getByRole('status', { name: 'Provider status' })).toContainText(/Ready. No requests/, {
      timeout: 120_000,
    });
    await joiner.page.context().close();

    // It is still known after a reload, and goes at a press.
    await page.reload();
    await expect(keeps(page)).toBeChecked();
    await expect(kept(page)).toContainText('One model, 3.4 MB.');
    await page.getByRole('button', { name: 'Stop and remove' }).press('Enter');
    await expect(keeps(page)).not.toBeChecked();
    await expect(kept(page)).toHaveCount(0);
    expect(await storedModels(page)).toEqual([]);
    await page.context().close();
  },
);
