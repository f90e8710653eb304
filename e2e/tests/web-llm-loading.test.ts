/**
 * web-llm's adapter in the worker that runs it for volunteers, against a mirror on this computer. Nothing is inferred:
 * the mirror has synthetic weights and a library that no version of web-llm can link, so every load ends in an error,
 * and the furthest that one gets is `model_wrong_library`.
 */
import { expect, type Browser, type Page } from '@playwright/test';
import { launch, openPage } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { MIRRORED_MODEL, startModelMirror, type MirrorFaults, type ModelMirror } from '../src/model-mirror.ts';
import { test } from '../src/visit.ts';

const WRONG_LIBRARY =
  'The compiled library of this model was made for another version of web-llm. Choose another model, or ask the ' +
  'operator of the mirror to update it.';
/** Slow enough to watch; a fault that is taken back is gone from the next chunk on. */
const SLOW_MS = 600;

let mesh: TestMesh;
let browser: Browser;
let mirror: ModelMirror;
test.beforeAll(async () => {
  mesh = await startMesh();
  browser = await launch('chromium');
});
test.afterAll(async () => {
  await browser?.close();
  await mesh?.stop();
});
test.beforeEach(async () => {
  mirror = await startModelMirror();
});
test.afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()));
  await mirror.close();
});

const status = (page: Page) => page.getByRole('status', { name: 'Provider status' });
const start = (page: Page) => page.getByRole('button', { name: 'Start donating' });
const asked = (name: string) => mirror.requests.filter((path) => path.split('/').at(-1) === name).length;

/** Opens the Donate page of a browser that has downloaded nothing yet, ready to load the mirrored model. */
async function openDonate(): Promise<Page> {
  const { page } = await openPage(browser, `${mesh.url}/donate`);
  const model = page.getByRole('radio', { name: 'SmolLM2 135M' });
  await expect(model).toBeVisible({ timeout: 30_000 });
  await page.getByText('For operators').click();
  await page.getByRole('textbox', { name: 'Model mirror' }).fill(mirror.url);
  await page.getByRole('button', { name: 'Use', exact: true }).click();
  await expect(page.getByText(`Models come from ${mirror.url}`)).toBeVisible();
  await model.check();
  return page;
}

/** Lending has ended with these words, and the switch is back. */
async function failedWith(page: Page, words: string | RegExp): Promise<void> {
  await expect(status(page)).toHaveAttribute('data-phase', 'error', { timeout: 30_000 });
  await expect(status(page)).toContainText(words);
  await expect(status(page)).toContainText('Off. Nothing runs, nothing is sent.');
  await expect(start(page)).toBeEnabled();
}

test(
  'web-llm without inference: the worker finds the manifest on the mirror, and the page shows the bytes',
  { tag: '@wide' },
  async () => {
    const page = await openDonate();
    const elsewhere: string[] = [];
    page.context().on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol.startsWith('http') && ![mesh.url, mirror.url].includes(origin)) elsewhere.push(request.url());
    });
    mirror.faults.chunkDelayMs = SLOW_MS;
    await start(page).click();
    // The small files come slowly, too; the shards report bytes.
    await expect(status(page)).toContainText(/Getting SmolLM2 135M: 0\.[1-9] of 1\.0 MB/, { timeout: 30_000 });
    const bar = page.getByRole('progressbar', { name: 'Downloading SmolLM2 135M' });
    const share = async () => Number(await bar.getAttribute('aria-valuenow'));
    const before = await share();
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(100);
    await expect.poll(share, { timeout: 10_000 }).toBeGreaterThan(before);
    await expect(status(page)).toContainText(/kB\/s/);
    expect(page.workers().map((worker) => worker.url())).toContainEqual(expect.stringContaining('engine-worker'));
    mirror.faults.chunkDelayMs = 0;
    await failedWith(page, WRONG_LIBRARY);
    const names = ['llmesh-mirror.json', 'mlc-chat-config.json', 'tensor-cache.json', 'tokenizer.json'];
    const shards = [0, 1, 2, 3].map((i) => `params_shard_${i}.bin`);
    for (const name of [...names, ...shards]) expect(asked(name), name).toBe(1);
    expect(mirror.requests.filter((path) => path.includes(`/${MIRRORED_MODEL}/resolve/main/`)).length).toBe(7);
    expect(elsewhere).toEqual([]);
  },
);

/** The tokenizer's checksum is not among them: web-llm looks at it after the library is linked. */
const cases: { what: string; faults: Partial<MirrorFaults>; says: string | RegExp }[] = [
  {
    what: 'a missing shard',
    faults: { missing: 'params_shard_2.bin' },
    says: /params_shard_2\.bin at localhost:\d+ answered 404\. Choose another model, or check the model mirror/,
  },
  {
    what: 'a missing manifest',
    faults: { missing: 'tensor-cache.json' },
    says: /tensor-cache\.json at localhost:\d+ answered 404/,
  },
  { what: 'a missing library', faults: { missing: 'library.wasm' }, says: /\.wasm at localhost:\d+ answered 404/ },
  { what: 'a library of another version', faults: {}, says: WRONG_LIBRARY },
  {
    what: 'a shard that fails its integrity check',
    faults: { damaged: 'params_shard_1.bin' },
    says: /damaged: params_shard_1\.bin does not match its checksum\. It was thrown away\. Start again/,
  },
  {
    what: 'a shard that is cut short',
    faults: { truncated: 'params_shard_3.bin' },
    says: /damaged: params_shard_3\.bin does not have the 262144 bytes/,
  },
  {
    what: 'a library that fails its integrity check',
    faults: { damaged: 'library.wasm' },
    says: /\.wasm of this model does not match its checksum, so it was thrown away\. Start again/,
  },
  {
    what: 'a configuration that fails its integrity check',
    faults: { damaged: 'mlc-chat-config.json' },
    says: /mlc-chat-config\.json of this model does not match its checksum, so it was thrown away/,
  },
];

// All of them take the same way through the page as damaged files do, below.
for (const { what, faults, says } of cases) {
  test(`web-llm without inference: ${what} is named on the page`, { tag: '@wide' }, async () => {
    const page = await openDonate();
    Object.assign(mirror.faults, faults);
    await start(page).click();
    await failedWith(page, says);
  });
}

test('web-llm without inference: damaged files are not kept, and the next start fetches them again', async () => {
  const page = await openDonate();
  for (const name of ['params_shard_1.bin', 'mlc-chat-config.json']) {
    mirror.faults.damaged = name;
    await start(page).click();
    await failedWith(page, `${name} `);
    const before = asked(name);
    mirror.faults.damaged = null;
    await start(page).click();
    await failedWith(page, WRONG_LIBRARY);
    expect(asked(name)).toBe(before + 1);
    await page.evaluate(async () => {
      for (const key of await caches.keys()) await caches.delete(key);
    });
  }
});

test(
  'web-llm without inference: a disk that becomes full is named, and nothing half is kept',
  { tag: '@wide' },
  async () => {
    const page = await openDonate();
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: mesh.url, quotaSize: 700_000 });
    await start(page).click();
    await failedWith(page, /no room for SmolLM2 135M: it takes 540 MB.*Remove a model/);
    const models = page.getByRole('region', { name: 'Models on this device' });
    await expect(models).toContainText('None yet');
  },
);

test('web-llm without inference: a mirror that is away is named on the page', { tag: '@wide' }, async () => {
  const page = await openDonate();
  await mirror.close();
  await start(page).click();
  await failedWith(page, /The download of llmesh-mirror\.json from localhost:\d+ broke off\. Check the connection/);
});
