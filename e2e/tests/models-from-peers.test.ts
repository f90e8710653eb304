/** Models that come from volunteers: real browsers, real files, and a hub that can be switched off. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Browser, type Page } from '@playwright/test';
import { openPage, wide, type BrowserName } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { hashOf, looseFiles, storedModels } from '../src/model-store.ts';
import { ROOT } from '../src/processes.ts';
import { test } from '../src/visit.ts';

const GGUF = '**/models/tiny/*.gguf';
const { models } = JSON.parse(readFileSync(join(ROOT, 'models/catalogue.json'), 'utf8')) as {
  models: { id: string; sha256: string | null }[];
};
const SHA256 = models.find(({ id }) => id === 'llmesh-tiny')?.sha256 ?? '';

let mesh: TestMesh;
test.beforeEach(async () => {
  test.setTimeout(240_000);
  mesh = await startMesh();
});
test.afterEach(() => mesh.stop());

const status = (page: Page) => page.getByRole('status', { name: 'Provider status' });
const sharing = (page: Page) => page.getByRole('status', { name: 'Sharing' });
const press = (page: Page, name: string) => page.getByRole('button', { name }).click();

/** A visitor on the Donate page. `hub`: whether the files of models can be fetched from the server. */
async function visitor(browser: Browser, hub: boolean) {
  const opened = await openPage(browser, 'about:blank');
  if (!hub) await opened.page.context().route(GGUF, (route) => route.abort());
  await opened.page.goto(`${mesh.url}/donate`);
  return opened;
}

async function lends(page: Page): Promise<void> {
  await press(page, 'Start donating');
  await expect(status(page)).toContainText(/Ready. No requests/, { timeout: 120_000 });
}

for (const [first, second, tag] of [
  ['chromium', 'chromium', []],
  ['firefox', 'chromium', ['@wide']],
  ['chromium', 'firefox', wide('firefox')],
] as [BrowserName, BrowserName, string[]][]) {
  test(
    `a ${second} gets the model from a volunteer's ${first} while the hub is off`,
    { tag },
    async ({ commonBrowsers }) => {
      const lender = await visitor(await commonBrowsers.get(first), true);
      await lends(lender.page);
      await expect(sharing(lender.page)).toHaveText('Sharing LLMesh tiny.');
      const joiner = await visitor(await commonBrowsers.get(second), false);
      await lends(joiner.page);
      expect(await storedModels(joiner.page)).toEqual(await storedModels(lender.page));
      expect(await hashOf(joiner.page, '0')).toBe(SHA256);
      // Nothing is kept twice.
      for (const { page } of [lender, joiner]) expect(await looseFiles(page)).toEqual([]);
      await lender.page.getByLabel('At most a day').selectOption('500 MB');
      await expect(lender.page.getByText('3.4 of 500 MB')).toBeVisible();
      for (const { page } of [lender, joiner]) await page.context().close();
    },
  );
}
