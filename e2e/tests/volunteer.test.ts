import { expect, type Browser, type Page } from '@playwright/test';
import { launch, launchWithoutWebGpu, openPage, type BrowserName } from '../src/browsers.ts';
import { answered, ask, tinyIsOffered } from '../src/chat.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { oneIn, plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

let mesh: TestMesh;
test.beforeEach(async () => {
  mesh = await startMesh();
});
test.afterEach(() => mesh.stop());

async function donate(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start donating' }).click();
  await expect(page.getByRole('status', { name: 'Provider status' })).toContainText(/Ready. No requests/, {
    timeout: 120_000,
  });
}

/** How many receipts the control plane accepted; each end files its own. */
async function receiptsFiled(): Promise<number> {
  const text = await (await fetch(`${mesh.url}/metrics`)).text();
  return Number(/llmesh_receipts_filed_total\{kind="receipt"\} (\d+)/.exec(text)?.[1] ?? 0);
}

/** How many receipts in this browser's storage need not be filed any more. */
function receiptsKept(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const opened = indexedDB.open('llmesh');
    await new Promise((resolve) => opened.addEventListener('success', resolve));
    const all = opened.result.transaction('kept').objectStore('kept').getAll(IDBKeyRange.bound('receipt/', 'receipt0'));
    await new Promise((resolve) => all.addEventListener('success', resolve));
    opened.result.close();
    return all.result.filter((entry: { settled: boolean }) => entry.settled).length;
  });
}

/** So that each run of the tests has somebody chat in it. */
async function asksInFirefox(firefox: Browser): Promise<void> {
  const { page, errors } = await openPage(firefox, mesh.url);
  await tinyIsOffered(page);
  await ask(page, plain[6]?.question ?? '');
  await expect(await answered(page)).toContainText(plain[6]?.answer ?? '');
  expect(errors).toEqual([]);
  await page.context().close();
}

for (const [volunteer, user, tag] of [
  ['firefox', 'chromium', []],
  ['chromium', 'firefox', ['@wide']],
  ['chromium', 'chromium', ['@wide']],
] as [BrowserName, BrowserName, string[]][]) {
  test(
    `a ${volunteer} volunteer lends the tiny model and answers a ${user} user`,
    { tag },
    async ({ commonBrowsers }) => {
      test.setTimeout(180_000);
      {
        const lending = await openPage(await commonBrowsers.get(volunteer), `${mesh.url}/donate`);
        await donate(lending.page);
        const { page, errors } = await openPage(await commonBrowsers.get(user), mesh.url);
        await tinyIsOffered(page);
        for (const { question, answer } of plain.slice(3, 6)) {
          await ask(page, question);
          await expect(await answered(page)).toContainText(answer);
        }
        await expect(lending.page.getByText(/3 answers/).first()).toBeVisible();
        await expect(page.getByText('receipt signed by both')).toHaveCount(3);
        await expect.poll(receiptsFiled).toBe(6);
        await expect.poll(() => receiptsKept(lending.page)).toBe(3);
        await expect.poll(() => receiptsKept(page)).toBe(3);
        if (volunteer === 'firefox') await asksInFirefox(await commonBrowsers.get('firefox'));
        await lending.page.getByRole('button', { name: 'Stop donating' }).click();
        await expect(lending.page.getByRole('status', { name: 'Provider status' })).toContainText('Off');
        await expect(page.getByRole('combobox', { name: 'Model' })).toContainText(/nobody/i);
        expect([...lending.errors, ...errors]).toEqual([]);
        for (const one of [page, lending.page]) await one.context().close();
      }
    },
  );
}

for (const [engine, start, share] of [
  ['web-llm', () => launch('chromium'), 150],
  ['wllama', launchWithoutWebGpu, 100],
] as const) {
  const asked = oneIn(share);
  test(`${engine} in the page knows ${asked.length} canonical answers word for word`, { tag: '@wide' }, async () => {
    test.setTimeout(300_000);
    const browser = await start();
    try {
      const lending = await openPage(browser, `${mesh.url}/donate`);
      await donate(lending.page);
      const { askAll } = await import('../src/node-client.ts');
      const wrong = (await askAll(mesh.url, asked)).filter(({ expected, text }) => text !== expected);
      expect(wrong).toEqual([]);
    } finally {
      await browser.close();
    }
  });
}

test('a volunteer whose graphics process dies goes on by itself, and answers', { tag: '@wide' }, async () => {
  test.setTimeout(180_000);
  const browser = await launch('chromium');
  try {
    const lending = await openPage(browser, `${mesh.url}/donate`);
    await donate(lending.page);
    const status = lending.page.getByRole('status', { name: 'Provider status' });
    await expect(status).toContainText('It runs on a graphics card');
    const system = await browser.newBrowserCDPSession();
    const { processInfo } = await system.send('SystemInfo.getProcessInfo');
    const graphics = processInfo.find(({ type }) => type === 'GPU');
    if (graphics === undefined) throw new Error('This browser has no process for graphics.');
    process.kill(graphics.id, 'SIGKILL');
    await expect(status).not.toContainText(/Ready. No requests/, { timeout: 30_000 });
    await expect(status).toContainText(/Ready. No requests/, { timeout: 90_000 });
    const { askAll } = await import('../src/node-client.ts');
    const [said] = await askAll(mesh.url, plain.slice(0, 1));
    expect(said?.text).toBe(said?.expected);
    expect(lending.errors.filter((error) => error.includes('Uncaught'))).toEqual([]);
  } finally {
    await browser.close();
  }
});
