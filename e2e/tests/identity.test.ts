/** Who a browser is: the same at each visit, in one tab at a time; and a worker is itself again after a restart. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import { launch, wide, type BrowserName } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';

let mesh: TestMesh;

test.beforeAll(async () => {
  mesh = await startMesh();
});
test.afterAll(() => mesh.stop());

/** The name, as "quiet-otter, qz3f kp7x", once the mesh has let it in. */
async function whoIs(page: Page): Promise<string> {
  await expect(page.getByText(/connected\./)).toBeVisible();
  const sentence = await page.getByText(/^You are /).textContent();
  return /You are (?<name>[a-z]+-[a-z]+, [a-z2-7]{4} [a-z2-7]{4})\.$/.exec(sentence ?? '')?.groups?.['name'] ?? '';
}

for (const name of ['chromium', 'firefox'] satisfies BrowserName[]) {
  test(`${name} is the same peer after each reload, and another in a second tab`, { tag: wide(name) }, async () => {
    const browser = await launch(name);
    try {
      const context = await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce' });
      const first = await context.newPage();
      await first.goto(`${mesh.url}/network`);
      const self = await whoIs(first);
      expect(self).not.toBe('');
      for (let i = 0; i < 3; i++) {
        await first.reload();
        expect(await whoIs(first)).toBe(self);
      }
      const second = await context.newPage();
      await second.goto(`${mesh.url}/network`);
      expect(await whoIs(second)).not.toBe(self);
      await first.close();
      await second.reload();
      expect(await whoIs(second)).toBe(self);
      await second.goto(mesh.url);
      await expect(
        second.getByRole('img', { name: 'Encrypted between you and the volunteer. The server can’t read it.' }),
      ).toBeVisible();
    } finally {
      await browser.close();
    }
  });
}

test('a worker is the same peer after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'llmesh-e2e-identity-'));
  try {
    const ids: unknown[] = [];
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const worker = await mesh.addWorker('--data', folder);
      ids.push(worker.lines.find((line) => line['ready'] === true)?.['peerId']);
      const ended = new Promise((resolve) => worker.process.once('exit', resolve));
      worker.process.kill(signal);
      await ended;
    }
    expect(ids[0]).toMatch(/^[a-z2-7]{32}$/);
    expect(ids[1]).toBe(ids[0]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
