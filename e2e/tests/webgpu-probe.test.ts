/** What the page finds out about the graphics card: with an emulated one, one that does not answer, and without WebGPU. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, expect, type Browser, type Page } from '@playwright/test';
import { parseCatalogue } from '@llmesh/core/policy/catalogue';
import { launch, openPage } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { ROOT } from '../src/processes.ts';
import { test } from '../src/visit.ts';

const { models } = parseCatalogue(JSON.parse(readFileSync(join(ROOT, 'models/catalogue.json'), 'utf8')));
const forWebGpu = models.filter((model) => model.format === 'mlc');

let mesh: TestMesh;
test.beforeAll(async () => {
  mesh = await startMesh();
});
test.afterAll(() => mesh?.stop());

const computer = (page: Page) => page.getByRole('region', { name: 'This computer', exact: true });
const lendable = (page: Page) => page.getByRole('group', { name: 'Model to lend' });
const fact = (page: Page, name: string) =>
  computer(page)
    .locator('dl > div')
    .filter({ has: page.getByText(name, { exact: true }) })
    .getByRole('definition');

/** The Donate page after its probe. */
async function openDonate(browser: Browser): Promise<{ page: Page; errors: string[] }> {
  const opened = await openPage(browser, `${mesh.url}/donate`);
  await expect(lendable(opened.page)).toBeVisible({ timeout: 30_000 });
  return opened;
}

/** The models that the page refuses for this reason, as "name quant". */
async function refusedBecause(page: Page, why: string): Promise<string[]> {
  await page.getByText(/^Can’t run here \(\d+\)$/).click();
  const rows = page.getByRole('listitem').filter({ hasText: why });
  await expect(rows.first()).toBeVisible();
  return (await rows.allInnerTexts()).map((text) => text.replace(why, '').replace(/\s+/g, ' ').trim());
}

const titles = (list: readonly { name: string; quant: string }[]) => list.map(({ name, quant }) => `${name} ${quant}`);

test('on SwiftShader the page says that graphics are emulated, and refuses what needs 16-bit arithmetic', async () => {
  const browser = await launch('chromium');
  try {
    const { page, errors } = await openDonate(browser);
    await expect(fact(page, 'Graphics')).toHaveText('SwiftShader (software)');
    await expect(computer(page)).toContainText('The graphics card is emulated on the processor here');
    const f16 = forWebGpu.filter((model) => model.f16);
    expect(f16.length).toBeGreaterThan(0);
    expect(await refusedBecause(page, 'needs a newer graphics card or driver')).toEqual(titles(f16));
    await expect(lendable(page).getByRole('radio', { name: /SmolLM2 135M f32 .*graphics card/ })).toBeEnabled();
    await expect(lendable(page).getByRole('radio', { name: 'Gemma' })).toHaveCount(0);
    // The card is too slow for a first impression of any other model: the switch would load the tiny one.
    await expect(lendable(page).getByRole('radio', { name: /LLMesh tiny q8 .*graphics card/ })).toBeChecked();
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
  }
});

const without = [
  {
    name: 'Chromium, where navigator.gpu has no adapter to give',
    start: () =>
      chromium.launch({
        executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
        args: ['--no-sandbox', '--disable-features=WebRtcHideLocalIpsWithMdns'],
      }),
    hasGpu: true,
  },
  { name: 'Firefox ESR, where there is no navigator.gpu', start: () => launch('firefox'), hasGpu: false },
];

for (const { name, start, hasGpu } of without) {
  test(
    `without WebGPU (${name}) the page says that the processor runs the models, and lends on it`,
    { tag: '@wide' },
    async () => {
      const browser = await start();
      try {
        const { page, errors } = await openDonate(browser);
        const given = await page.evaluate(async () => {
          const { gpu, hardwareConcurrency } = navigator as Navigator & {
            gpu?: { requestAdapter(): Promise<unknown> };
          };
          return {
            hasGpu: gpu !== undefined,
            adapter: (await gpu?.requestAdapter()) ?? null,
            cores: hardwareConcurrency,
          };
        });
        expect(given).toMatchObject({ hasGpu, adapter: null });
        const threads = Math.min(Math.max(given.cores - 1, 1), 4);
        await expect(fact(page, 'Processor')).toHaveText(threads === 1 ? '1 CPU thread' : `${threads} CPU threads`);
        await expect(computer(page)).toContainText(
          'This browser gives pages no graphics card (WebGPU), so models run on the processor.',
        );
        await expect(fact(page, 'Graphics')).toHaveCount(0);
        expect(await refusedBecause(page, 'needs a graphics card (WebGPU)')).toEqual(titles(forWebGpu));
        await expect(lendable(page)).not.toContainText('runs on the graphics card');
        await expect(lendable(page).getByRole('radio', { name: /LLMesh tiny q8 .*processor/ })).toBeChecked();

        await page.getByRole('button', { name: 'Start donating' }).click();
        const status = page.getByRole('status', { name: 'Provider status' });
        await expect(status).toContainText('It runs on the processor.', { timeout: 60_000 });
        await expect(fact(page, 'Runs on')).toHaveText('the processor');
        expect(errors).toEqual([]);
      } finally {
        await browser.close();
      }
    },
  );
}
