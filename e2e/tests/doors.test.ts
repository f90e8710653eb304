/** Browsers that give the page less: over plain http, without WebAssembly, with a full disk, after the server was updated. */
import { expect, type CDPSession, type Page } from '@playwright/test';
import { launch, launchWhereLeadsHere, launchWithoutWasm, openPage, type BrowserName } from '../src/browsers.ts';
import { answered, ask, lastAnswer, modelPicker, tinyIsOffered } from '../src/chat.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

/** A name of the home network, which browsers do not trust as they trust this computer's own. */
const LAN = 'mesh.lan';
const BROWSERS: BrowserName[] = ['chromium', 'firefox'];

let mesh: TestMesh;
test.beforeAll(async () => {
  mesh = await startMesh(undefined, ['--host', '0.0.0.0']);
});
test.afterAll(() => mesh.stop());

const status = (page: Page) => page.getByRole('status', { name: 'Provider status' });
const start = (page: Page) => page.getByRole('button', { name: 'Start donating' });
const kept = (page: Page) => page.getByRole('region', { name: 'Models on this device' });

async function donate(page: Page): Promise<void> {
  await expect(page.getByRole('radio', { name: 'LLMesh tiny' })).toBeVisible({ timeout: 30_000 });
  await start(page).click();
  await expect(status(page)).toHaveAttribute('data-phase', 'waiting', { timeout: 60_000 });
}

async function failedWith(page: Page, words: RegExp, code: string): Promise<void> {
  await expect(status(page)).toHaveAttribute('data-phase', 'error', { timeout: 30_000 });
  await expect(status(page)).toContainText(words);
  await expect(status(page)).not.toContainText(code);
  await page.getByText('Details', { exact: true }).click();
  await expect(page.getByText(code)).toBeVisible();
}

/** Before its first visit, as Chromium remembers how much room there is: more than the page takes for itself, less than the model. */
async function fillDisk(page: Page, origin: string): Promise<CDPSession> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 2_000_000 });
  return devtools;
}

/** A disk that is full is named, keeps nothing half, and is no failure of the engine: once there is room, the page lends. */
async function lendsOnceThereIsRoom(page: Page, origin: string, devtools: CDPSession): Promise<void> {
  await expect(page.getByRole('radio', { name: 'LLMesh tiny' })).toBeVisible({ timeout: 30_000 });
  await start(page).click();
  await failedWith(page, /no room for LLMesh tiny: it takes 3\.4 MB.*Remove a model/, 'storage_full');
  await expect(kept(page)).toContainText('None yet');
  // The room is looked at again: a browser may remember for a while how little there was.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  await expect(async () => {
    if (await start(page).isVisible()) await start(page).click();
    await expect(status(page)).toHaveAttribute('data-phase', 'waiting', { timeout: 20_000 });
  }).toPass();
}

for (const name of BROWSERS) {
  test(
    `over plain http, ${name} lends the tiny model once the disk has room, runs it for its own person, and keeps it`,
    { tag: '@wide' },
    async () => {
      test.setTimeout(180_000);
      const browser = await launchWhereLeadsHere(LAN, name);
      try {
        const url = mesh.url.replace('localhost', LAN);
        const { page, errors } = await openPage(browser, 'about:blank');
        const full = name === 'chromium' ? await fillDisk(page, url) : null;
        await page.goto(`${url}/donate`);
        expect(await page.evaluate(() => isSecureContext)).toBe(false);
        await expect(page.getByText('Graphics cards need https.')).toBeVisible({ timeout: 30_000 });
        await expect(page.getByText(/^5 of \d+$/)).toBeVisible();
        if (full === null) await donate(page);
        else await lendsOnceThereIsRoom(page, url, full);
        await expect(status(page)).toContainText('It runs on the processor');
        const asking = await page.context().newPage();
        await asking.goto(url);
        await tinyIsOffered(asking);
        await ask(asking, plain[3]?.question ?? '');
        await expect(await answered(asking)).toContainText(plain[3]?.answer ?? '');
        await page.getByRole('button', { name: 'Stop donating' }).click();
        await expect(kept(page)).toContainText('3.4 MB, complete');
        // What is kept is not fetched again, and answers its own person.
        await asking.route(/\.gguf$/, (route) => route.abort());
        await asking.reload();
        await asking.getByRole('radio', { name: 'This device only' }).check();
        await expect(modelPicker(asking)).toContainText('downloaded', { timeout: 30_000 });
        await ask(asking, plain[4]?.question ?? '');
        await expect(lastAnswer(asking)).toContainText(plain[4]?.answer ?? '', { timeout: 60_000 });
        await page.getByRole('button', { name: 'Delete LLMesh tiny' }).click();
        await expect(kept(page)).toContainText('None yet');
        expect(errors.filter((text) => !text.includes('Cross-Origin-Opener-Policy'))).toEqual([]);
      } finally {
        await browser.close();
      }
    },
  );

  test(`without WebAssembly, ${name} says so, offers no model, and chats with others`, { tag: '@wide' }, async () => {
    test.setTimeout(180_000);
    const worker = await mesh.addWorker();
    const browser = await launchWithoutWasm(name);
    try {
      const { page } = await openPage(browser, `${mesh.url}/donate`);
      await expect(page.getByText(/does not let this page use WebAssembly/).first()).toBeVisible({ timeout: 30_000 });
      await expect(page.getByText(/^0 of \d+$/)).toBeVisible();
      await expect(page.getByRole('radio', { name: 'LLMesh tiny' })).toHaveCount(0);
      await start(page).click();
      await failedWith(page, /WebAssembly.*another browser/, 'wasm_absent');
      await page.goto(mesh.url);
      await tinyIsOffered(page);
      await ask(page, plain[3]?.question ?? '');
      await expect(await answered(page)).toContainText(plain[3]?.answer ?? '');
      await page.getByRole('radio', { name: 'This device only' }).check();
      await modelPicker(page).click();
      await expect(page.getByText(/does not let this page use WebAssembly/)).toBeVisible();
    } finally {
      await browser.close();
      await worker.stop();
    }
  });

  test(`when the server has another version, ${name} says that a reload helps`, { tag: '@wide' }, async () => {
    test.setTimeout(180_000);
    const browser = await launch(name);
    try {
      const { page } = await openPage(browser, `${mesh.url}/donate`);
      await expect(page.getByRole('radio', { name: 'LLMesh tiny' })).toBeVisible({ timeout: 30_000 });
      for (const gone of [/\.wasm$/, /assets\/(?:wllama|web-llm)[^/]*\.js$/, /assets\/engine-worker/]) {
        await page.context().route(gone, (route) => route.fulfill({ status: 404 }));
        await start(page).click();
        await failedWith(page, /newer version of this page\. Reload the page/, 'page_outdated');
        await page.context().unrouteAll();
      }
      await page.getByRole('button', { name: 'Reload the page' }).click();
      await expect(status(page)).toHaveAttribute('data-phase', 'off', { timeout: 30_000 });
    } finally {
      await browser.close();
    }
  });
}

test(
  'a disk that is full for the file system is named, keeps nothing half, and is no failure of the engine',
  { tag: '@wide' },
  async () => {
    test.setTimeout(180_000);
    const browser = await launch('chromium');
    try {
      const { page } = await openPage(browser, 'about:blank');
      const full = await fillDisk(page, mesh.url);
      await page.goto(`${mesh.url}/donate`);
      await lendsOnceThereIsRoom(page, mesh.url, full);
    } finally {
      await browser.close();
    }
  },
);
