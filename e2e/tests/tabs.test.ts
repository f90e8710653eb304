/** Two tabs of one browser: what is chosen and counted in one holds in the other, and what cannot be saved is said. */
import { expect, type Browser, type Page } from '@playwright/test';
import { launch, launchWithoutWebGpu, openPage, type BrowserName } from '../src/browsers.ts';
import { answered, ask, message, tinyIsOffered } from '../src/chat.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { test } from '../src/visit.ts';

let mesh: TestMesh;

test.beforeAll(async () => {
  mesh = await startMesh();
});
test.afterAll(() => mesh.stop());

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };

const notice = (page: Page) => page.getByRole('status', { name: 'Saving' });
const hide = (page: Page) => page.getByRole('switch', { name: 'Hide my address' });
const settings = (page: Page) => page.getByRole('button', { name: 'Settings', exact: true }).click();

/** Two tabs, which report what went wrong in them. */
async function twoTabs(browser: Browser) {
  const { page: p, errors } = await openPage(browser, mesh.url);
  const q = await p.context().newPage();
  q.on('pageerror', (error) => errors.push(error.message));
  await q.goto(mesh.url);
  for (const page of [p, q]) await page.setViewportSize(DESK);
  return { p, q, errors };
}

/** From its next visit on the page finds no room for anything new, until the returned function is called. */
async function fillDisk(page: Page): Promise<() => Promise<void>> {
  await page.addInitScript(() => {
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (value: unknown, key?: IDBValidKey) {
      if (localStorage.getItem('test-full') !== null) throw new DOMException('No room.', 'QuotaExceededError');
      return put.call(this, value, key);
    };
  });
  await page.evaluate(() => localStorage.setItem('test-full', 'yes'));
  return () => page.evaluate(() => localStorage.removeItem('test-full'));
}

for (const name of ['chromium', 'firefox'] satisfies BrowserName[]) {
  test(`in ${name} choices hold in every tab, and a full disk takes nothing away`, { tag: '@wide' }, async () => {
    const worker = await mesh.addWorker();
    const browser = await launch(name);
    try {
      const { p, q, errors } = await twoTabs(browser);
      await test.step('settings of one tab are those of the other, and neither undoes the other’s', async () => {
        for (const page of [p, q]) await settings(page);
        await hide(p).check();
        await expect(hide(q)).toBeChecked();
        await q.getByRole('radio', { name: 'Dark' }).check();
        await expect(p.locator('html')).toHaveAttribute('data-theme', 'dark');
        // Right away: nothing that was chosen may be lost by it.
        await q.getByRole('switch', { name: 'Fast mode' }).check();
        await q.reload();
        await settings(q);
        await expect(hide(q)).toBeChecked();
        await expect(q.getByRole('switch', { name: 'Fast mode' })).toBeChecked();
        await expect(p.getByRole('switch', { name: 'Fast mode' })).toBeChecked();
        await hide(p).uncheck();
        await expect(hide(q)).not.toBeChecked();
        for (const page of [p, q]) await page.getByRole('button', { name: 'Close' }).click();
      });
      await test.step('so is the speed limit', async () => {
        for (const page of [p, q]) await page.goto(`${mesh.url}/donate`);
        const gentle = (page: Page) => page.getByRole('radio', { name: /gentle/i });
        await gentle(p).check();
        await expect(gentle(q)).toBeChecked();
        for (const page of [p, q]) await page.goto(mesh.url);
      });
      await test.step('a full disk is told on a phone, what is kept is there, and saving goes on when there is room', async () => {
        await tinyIsOffered(p);
        await ask(p, 'Hello!');
        await answered(p);
        await p.setViewportSize(PHONE);
        await expect(notice(p)).toBeEmpty();
        const free = await fillDisk(p);
        await p.reload();
        await expect(notice(p)).toContainText('Your disk is full');
        await notice(p).getByRole('button', { name: 'Show conversations' }).click();
        await expect(p.getByRole('button', { name: 'Delete Hello!' })).toBeVisible();
        await p.keyboard.press('Escape');
        // Firefox gives no focus to a tab that lies behind another.
        await p.bringToFront();
        await notice(p).getByRole('button', { name: 'Hide this message' }).click();
        await expect(notice(p)).toBeEmpty();
        await expect(message(p)).toBeFocused();
        await p.reload();
        await expect(notice(p)).toContainText('Your disk is full');
        await p.setViewportSize(DESK);
        await settings(p);
        await hide(p).check();
        await p.getByRole('button', { name: 'Close' }).click();
        await free();
        await expect(notice(p)).toBeEmpty({ timeout: 20_000 });
        await settings(q);
        await expect(hide(q)).toBeChecked();
      });
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
      await worker.stop();
    }
  });
}

test('two tabs that donate download the model once, and count together', { tag: '@wide' }, async () => {
  const browser = await launchWithoutWebGpu();
  const asker = await launchWithoutWebGpu();
  try {
    const { p, q, errors } = await twoTabs(browser);
    const files = new Set<string>();
    let downloads = 0;
    await p.context().route(/\.gguf$/, async (route) => {
      downloads += 1;
      files.add(route.request().url());
      await route.continue();
    });
    for (const page of [p, q]) await page.goto(`${mesh.url}/donate`);
    await Promise.all([p, q].map((page) => page.getByRole('button', { name: 'Start donating' }).click()));
    for (const page of [p, q]) {
      const status = page.getByRole('status', { name: 'Provider status' });
      await expect(status).toContainText(/Ready. No requests/, { timeout: 60_000 });
    }
    expect([downloads, files.size]).toEqual([1, 1]);
    const { page: asking } = await openPage(asker, mesh.url);
    await tinyIsOffered(asking);
    for (let i = 0; i < 4; i++) {
      await ask(asking, 'Hello!');
      await answered(asking);
    }
    for (const page of [p, q]) await expect(page.getByText(/4 answers/).first()).toBeVisible();
    await p.reload();
    await expect(p.getByText(/4 answers/).first()).toBeVisible();
    expect(errors).toEqual([]);
  } finally {
    await asker.close();
    await browser.close();
  }
});
