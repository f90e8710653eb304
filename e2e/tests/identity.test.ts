/** Who a browser is: the same at each visit, in one tab at a time. */
import {
  devices,
  expect,
  type BrowserContext,
  type BrowserContextOptions,
  type Locator,
  type Page,
} from '@playwright/test';
import { decodeQR } from 'qr/decode.js';
import { wide, type BrowserName } from '../src/browsers.ts';
import { onCommonMesh as test } from '../src/visit.ts';

/** The name, as "quiet-otter, qz3f kp7x", once the mesh has let it in. */
async function whoIs(page: Page): Promise<string> {
  await expect(page.getByText(/connected\./)).toBeVisible();
  const sentence = await page.getByText(/^You are /).textContent();
  return /You are (?<name>[a-z]+-[a-z]+, [a-z2-7]{4} [a-z2-7]{4})\.$/.exec(sentence ?? '')?.groups?.['name'] ?? '';
}

for (const name of ['chromium', 'firefox'] satisfies BrowserName[]) {
  test(
    `${name} is the same peer after each reload, and another in a second tab`,
    { tag: wide(name) },
    async ({ mesh, commonBrowsers }) => {
      const browser = await commonBrowsers.get(name);
      const context = await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce' });
      const first = await context.newPage();
      await first.goto(`${mesh.url}/network`);
      const self = await whoIs(first);
      expect(self).not.toBe('');
      for (let i = 0; i < 2; i++) {
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
      await context.close();
    },
  );
}

test('an identity goes to another browser by its file; the device that came last is connected', async ({
  mesh,
  commonBrowsers,
}) => {
  test.setTimeout(300_000);
  const browser = await commonBrowsers.get('chromium');
  const contexts: BrowserContext[] = [];
  const device = async () => {
    const context = await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce' });
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(`${mesh.url}/credits`);
    return page;
  };
  const network = (page: Page) => page.getByRole('link', { name: 'Network' }).click();
  /** A passphrase is worked on for seconds, and for longer on a busy computer. */
  const patient = { timeout: 120_000 };
  try {
    const first = await device();
    await first.getByText('Take it to another device').click();
    await first.getByLabel('Passphrase', { exact: true }).fill('correct horse');
    await first.getByLabel('The same again').fill('correct horse');
    await first.getByRole('button', { name: 'Make it…' }).click();
    const saved = first.waitForEvent('download');
    await first.getByRole('button', { name: 'Save the file' }).click(patient);
    const file = await (await saved).path();
    await first.getByRole('button', { name: 'Use it from now on' }).click();
    await expect(first.getByText('Who this browser was before')).toBeVisible(patient);
    await network(first);
    const self = await whoIs(first);

    const second = await device();
    await second.getByText('Bring one here').click();
    await second.getByLabel('Its file').setInputFiles(file);
    await second.getByLabel('Its passphrase').fill('correct horse');
    await second.getByRole('button', { name: 'Open it…' }).click();
    await second.getByRole('button', { name: 'Use it here' }).click(patient);
    await expect(first.getByRole('status', { name: 'Not connected' })).toContainText('on another device', patient);
    await network(second);
    expect(await whoIs(second)).toBe(self);

    await first.getByRole('button', { name: 'Reload this page' }).click();
    expect(await whoIs(first)).toBe(self);
    await expect(second.getByRole('status', { name: 'Not connected' })).toContainText('Only one can be connected');
  } finally {
    await Promise.all(contexts.map((context) => context.close()));
  }
});

const SIZES: Record<string, BrowserContextOptions> = {
  desktop: { viewport: { width: 1440, height: 900 } },
  phone: devices['Pixel 7'],
};

/** What a camera in front of the screen would read; Chromium on Linux has no reader of its own. */
async function seenIn(code: Locator): Promise<string> {
  await code.scrollIntoViewIfNeeded();
  const png = (await code.screenshot()).toString('base64');
  const { width, height, data } = await code.page().evaluate(async (base64) => {
    const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d')!;
    canvas.drawImage(picture, 0, 0);
    const { width, height, data } = canvas.getImageData(0, 0, picture.width, picture.height);
    return { width, height, data: [...data] };
  }, png);
  return decodeQR({ width, height, data: Uint8Array.from(data) });
}

for (const [from, to] of [
  ['desktop', 'phone'],
  ['phone', 'desktop'],
] as const) {
  test(`an identity goes from a ${from} to a ${to} by the QR code that is on the screen`, async ({
    mesh,
    commonBrowsers,
  }) => {
    test.setTimeout(300_000);
    const browser = await commonBrowsers.get('chromium');
    const [here, there] = await Promise.all(
      [from, to].map((size) =>
        browser.newContext({ ...SIZES[size], serviceWorkers: 'block', reducedMotion: 'reduce' }),
      ),
    );
    const patient = { timeout: 120_000 };
    try {
      const [old, other] = [await here!.newPage(), await there!.newPage()];
      await Promise.all([old, other].map((page) => page.goto(`${mesh.url}/credits`)));
      await old.getByText('Take it to another device').click();
      await old.getByLabel('Passphrase', { exact: true }).fill('correct horse');
      await old.getByLabel('The same again').fill('correct horse');
      await old.getByRole('button', { name: 'Make it…' }).click();
      await old.getByRole('button', { name: 'Show it as a QR code' }).click(patient);
      const code = old.getByRole('img', { name: 'QR code of the locked key' });
      await expect(code).toBeVisible();
      const [box, screen] = [await code.boundingBox(), old.viewportSize()];
      expect(box!.width, 'all of it fits on the screen').toBeLessThanOrEqual(screen!.width);
      expect(box!.height).toBeLessThanOrEqual(screen!.height);
      const name = /You will be (?<name>[a-z]+-[a-z]+)/.exec((await old.getByText(/^You will be/).textContent()) ?? '');

      await other.getByText('Bring one here').click();
      await other.getByLabel('Or what is in it').fill(await seenIn(code));
      await other.getByLabel('Its passphrase').fill('correct horse');
      await other.getByRole('button', { name: 'Open it…' }).click();
      await other.getByRole('button', { name: 'Use it here' }).click(patient);
      await expect(other.getByText('Who this browser was before')).toBeVisible(patient);
      await other.goto(`${mesh.url}/network`);
      expect(await whoIs(other)).toContain(`${name!.groups!['name']!}, `);
    } finally {
      await Promise.all([here!.close(), there!.close()]);
    }
  });
}
