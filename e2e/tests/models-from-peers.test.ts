/** Models that come from volunteers: real browsers, real files, and a hub that can be switched off. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Browser, type Page } from '@playwright/test';
import type { ContentId } from '@llmesh/core/base/ids';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { launch, openPage, wide, type BrowserName } from '../src/browsers.ts';
import { madeGguf } from '../src/made-gguf.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { startModelMirror } from '../src/model-mirror.ts';
import { hasChunks, hashOf, looseFiles, storedModels } from '../src/model-store.ts';
import { ROOT } from '../src/processes.ts';
import { tinyMlc } from '../src/tiny-mlc.ts';
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
      // A worker of the page does it, under the page's own policy for scripts.
      await expect.poll(() => hasChunks(lender.page), { timeout: 60_000 }).toBe(true);
      const joiner = await visitor(await commonBrowsers.get(second), false);
      await lends(joiner.page);
      expect(await storedModels(joiner.page)).toEqual(await storedModels(lender.page));
      expect(await hashOf(joiner.page, '0')).toBe(SHA256);
      // Nothing is kept twice.
      for (const { page } of [lender, joiner]) expect(await looseFiles(page)).toEqual([]);
      await lender.page.getByLabel('At most a day').selectOption('500 MB');
      await expect(lender.page.getByText('3.4 of 500 MB').first()).toBeVisible();
      for (const { page } of [lender, joiner]) await page.context().close();
    },
  );
}

const tinyFile = () => readFileSync(join(ROOT, 'models/tiny/llmesh-tiny.gguf'));

/** A visitor to whom the hub answers with this, whatever part of the file is asked for. */
async function visitorOfHub(browser: Browser, answer: { status: number; body: Buffer }) {
  const opened = await openPage(browser, 'about:blank');
  await opened.page.context().route(GGUF, async (route) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(route.request().headers()['range'] ?? '') ?? [];
    const isPart = answer.status === 206 && from !== undefined;
    const body = isPart ? answer.body.subarray(Number(from), Number(to) + 1) : answer.body;
    await route.fulfill({ status: isPart ? 206 : 200, body });
  });
  await opened.page.goto(`${mesh.url}/donate`);
  return opened;
}

test(
  'where the hub has another file under the same name, the model comes from volunteers, and alone one is told so',
  { tag: '@wide' },
  async ({ commonBrowsers }) => {
    const browser = await commonBrowsers.get('chromium');
    const another = { status: 206, body: tinyFile().map((byte) => byte ^ 1) as Buffer };
    const alone = await visitorOfHub(browser, another);
    await press(alone.page, 'Start donating');
    await expect(status(alone.page)).toContainText('is not the file that the catalogue names', { timeout: 60_000 });
    await alone.page.context().close();
    const lender = await visitor(browser, true);
    await lends(lender.page);
    const joiner = await visitorOfHub(browser, another);
    await lends(joiner.page);
    expect(await hashOf(joiner.page, '0')).toBe(SHA256);
    for (const { page } of [lender, joiner]) await page.context().close();
  },
);

test('a hub that sends no parts of files sends the whole', { tag: '@wide' }, async ({ commonBrowsers }) => {
  const whole = await visitorOfHub(await commonBrowsers.get('chromium'), { status: 200, body: tinyFile() });
  await lends(whole.page);
  await whole.page.context().close();
});

/** A visitor whose catalogue has one model, from a mirror. */
async function visitorOf(browser: Browser, model: CatalogueModel, mirror: string | null) {
  const opened = await openPage(browser, 'about:blank');
  const json = { models: [model] };
  await opened.page.context().route('**/models/catalogue.json', (route) => route.fulfill({ json }));
  await opened.page.goto(`${mesh.url}/donate`);
  if (mirror !== null) {
    await opened.page.getByText('For operators').click();
    await opened.page.getByRole('textbox', { name: 'Model mirror' }).fill(mirror);
    await opened.page.getByRole('button', { name: 'Use', exact: true }).click();
  }
  return opened;
}

function cachedShards(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const all = await Promise.all(
      (await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => url)),
    );
    return all.flat().filter((url) => url.includes('.bin'));
  });
}

/** Those of the model; beside them lies what is known about them. */
const filesOf = (sizes: Record<string, number> = {}) => Object.entries(sizes).filter(([name]) => /^\d+$/.test(name));
const isWhole = async (page: Page) => (await storedModels(page)).some(({ sizes }) => 'whole' in sizes);

test(
  'a folder for graphics cards comes from volunteers when its mirror is gone, and every file of it is checked',
  { tag: '@wide' },
  async () => {
    test.setTimeout(500_000);
    const tiny = await tinyMlc();
    const mirror = await startModelMirror({ files: tiny.files });
    const browser = await launch('chromium');
    try {
      const first = await visitorOf(browser, tiny.model, mirror.url);
      await press(first.page, 'Start donating');
      await expect(status(first.page)).toContainText(/Ready. No requests/, { timeout: 200_000 });
      await expect(sharing(first.page)).toHaveText('Sharing Tiny MLC.');
      // web-llm reads from the store; the Cache API has no second copy.
      expect(await cachedShards(first.page)).toEqual([]);
      await mirror.close();
      const second = await visitorOf(browser, tiny.model, null);
      await press(second.page, 'Start donating');
      await expect.poll(() => isWhole(second.page), { timeout: 120_000 }).toBe(true);
      expect(await storedModels(second.page)).toEqual(await storedModels(first.page));
      // A third, when the first has gone.
      await first.page.context().close();
      const third = await visitorOf(browser, tiny.model, null);
      await press(third.page, 'Start donating');
      await expect.poll(() => isWhole(third.page), { timeout: 120_000 }).toBe(true);
      expect(await cachedShards(third.page)).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);

test(
  'a folder that nobody pinned is checked once it runs, and then comes from its first volunteer while the hub is off',
  { tag: '@wide' },
  async () => {
    test.setTimeout(500_000);
    // A name of web-llm's own list, without which it takes no folder that nobody pinned, of a context as long as the tiny model's; the
    // bytes are those of the tiny model.
    const tiny = await tinyMlc('TinyLlama-1.1B-Chat-v1.0-q4f32_1-MLC');
    const { content: _, ...unpinned } = tiny.model;
    const mirror = await startModelMirror({ files: tiny.files });
    const browser = await launch('chromium');
    try {
      const first = await visitorOf(browser, unpinned, mirror.url);
      await press(first.page, 'Start donating');
      await expect(status(first.page)).toContainText(/Ready. No requests/, { timeout: 200_000 });
      await expect.poll(() => isWhole(first.page), { timeout: 60_000 }).toBe(true);
      expect(await cachedShards(first.page)).toEqual([]);
      await expect(sharing(first.page)).toHaveText('Sharing Tiny MLC.', { timeout: 30_000 });
      const [{ content } = { content: '' }] = await storedModels(first.page);
      await mirror.close();
      // Whoever is told the content id gets the same bytes: a catalogue says it, as nobody believes a stranger.
      const pinned = { ...unpinned, content: content as ContentId };
      const second = await visitorOf(browser, pinned, null);
      await press(second.page, 'Start donating');
      await expect(status(second.page)).toContainText(/Ready. No requests/, { timeout: 200_000 });
      const [there] = await storedModels(second.page);
      const [here] = await storedModels(first.page);
      expect(there?.content).toBe(content);
      expect(filesOf(there?.sizes)).toEqual(filesOf(here?.sizes));
      expect(filesOf(there?.sizes)).toHaveLength(5);
    } finally {
      await browser.close();
    }
  },
);

const MIB = 1_048_576;

for (const name of ['chromium', 'firefox'] satisfies BrowserName[]) {
  test(
    `in ${name} a tab that is gone in mid-download loses nothing, and two tabs download once`,
    { tag: '@wide' },
    async ({ commonBrowsers }) => {
      const made = await madeGguf(24 * MIB + 5);
      const mirror = await startModelMirror({ files: made.files });
      mirror.faults.chunkDelayMs = 4;
      const sent = () => mirror.sent[made.path] ?? 0;
      const browser = await commonBrowsers.get(name);
      const { page } = await visitorOf(browser, made.model, mirror.url);
      const context = page.context();
      await press(page, 'Start donating');
      await expect.poll(sent, { timeout: 60_000 }).toBeGreaterThan(8 * MIB);
      await page.close();
      const kept = sent();
      const tabs = [await context.newPage(), await context.newPage()];
      for (const tab of tabs) {
        await tab.goto(`${mesh.url}/donate`);
        await press(tab, 'Start donating');
      }
      const [one] = tabs;
      if (one === undefined) throw new Error('There is no tab.');
      await expect.poll(() => isWhole(one), { timeout: 120_000 }).toBe(true);
      expect(kept).toBeLessThan(made.model.sizeBytes);
      // The few pieces that were on their way when the tab was closed came for nothing; nothing else came twice.
      expect(sent()).toBeLessThanOrEqual(made.model.sizeBytes + 4 * MIB);
      expect(await hashOf(one, '0')).toBe(made.model.sha256);
      await context.close();
      await mirror.close();
    },
  );
}
