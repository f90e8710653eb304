/**
 * `npm run screenshots -- [scene…]`: puts the pages of a running mesh, or these of them, into docs/screens: desktop and phone, in
 * light, dark and forced colours, a sheet for each.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Browser, type Page } from '@playwright/test';
import { launch } from './browsers.ts';
import { answered, ask, tinyIsOffered } from './chat.ts';
import { shown } from './looks.ts';
import { startMesh } from './mesh.ts';
import { ROOT } from './processes.ts';
import { known } from './questions.ts';

const OUT = join(ROOT, 'docs', 'screens');
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

type Scene = (page: Page) => Promise<void>;

const withList = known.find(({ answer }) => /^[-*1]\.? /m.test(answer)) ?? known[0];

/** Lends, until it is ready. */
const lends: Scene = async (page) => {
  await page.getByRole('button', { name: 'Start donating' }).click();
  await expect(page.getByRole('status', { name: 'Provider status' })).toContainText('Ready. No requests', {
    timeout: 60_000,
  });
};

const scenes: Record<string, { path: string; prepare: Scene; locale?: string }> = {
  'chat-empty': { path: '/', prepare: tinyIsOffered },
  chat: {
    path: '/',
    prepare: async (page) => {
      await tinyIsOffered(page);
      for (const one of [known[0], withList]) {
        await ask(page, one?.question ?? '');
        await answered(page);
      }
    },
  },
  'donate-off': {
    path: '/donate',
    prepare: (page) => expect(page.getByRole('button', { name: 'Start donating' })).toBeEnabled({ timeout: 30_000 }),
  },
  donate: { path: '/donate', prepare: lends },
  sharing: {
    path: '/donate',
    prepare: async (page) => {
      await lends(page);
      await page
        .getByRole('heading', { name: 'Model files from and for others' })
        .evaluate((heading) => heading.scrollIntoView());
    },
  },
  network: { path: '/network', prepare: (page) => page.waitForTimeout(3_000) },
  credits: {
    path: '/credits',
    prepare: (page) => expect(page.getByRole('heading', { name: 'Credits' })).toBeVisible(),
  },
  models: {
    path: '/models',
    prepare: (page) => expect(page.getByText(/volunteers? lends? it/).first()).toBeVisible({ timeout: 30_000 }),
  },
  'model-list': {
    path: '/',
    prepare: async (page) => {
      await tinyIsOffered(page);
      await page.getByRole('combobox', { name: 'Model' }).click();
      await expect(page.getByRole('listbox', { name: 'Models' })).toBeVisible();
    },
  },
  settings: {
    path: '/settings',
    prepare: (page) => expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible(),
  },
  palette: {
    path: '/',
    prepare: async (page) => {
      await tinyIsOffered(page);
      await page.keyboard.press('Control+k');
      await expect(page.getByRole('dialog')).toBeVisible();
    },
  },
  'chat-in-arabic': { path: '/', locale: 'ar', prepare: (page) => page.waitForTimeout(3_000) },
  'donate-in-german': { path: '/donate', locale: 'de', prepare: (page) => page.waitForTimeout(3_000) },
  votes: {
    path: '/votes',
    prepare: (page) => expect(page.getByRole('heading', { name: 'Votes', level: 1 })).toBeVisible(),
  },
};

/** How each scene is shown, in this order. */
const DRESSES = {
  light: { colorScheme: 'light', forcedColors: 'none' },
  dark: { colorScheme: 'dark', forcedColors: 'none' },
  forced: { colorScheme: 'light', forcedColors: 'active' },
} as const;

/** One sheet a scene: on the desktop and on the phone, in all dresses. */
async function shoot(browser: Browser, url: string): Promise<void> {
  const wanted = process.argv.slice(2);
  for (const [name, { path, prepare, locale = 'en' }] of Object.entries(scenes)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const shots: string[] = [];
    for (const [size, viewport] of Object.entries(SIZES)) {
      const context = await browser.newContext({ viewport, locale, serviceWorkers: 'block', reducedMotion: 'reduce' });
      const page = await context.newPage();
      await page.goto(url + path);
      await prepare(page);
      await page.evaluate(() => document.fonts.ready);
      for (const dress of Object.values(DRESSES)) {
        await page.emulateMedia(dress);
        await shown(page);
        const picture = (await page.screenshot({ animations: 'disabled' })).toString('base64');
        shots.push(`<img class="${size}" src="data:image/png;base64,${picture}">`);
      }
      await context.close();
    }
    const page = await browser.newPage({ viewport: { width: 2_172, height: 1_344 } });
    await page.setContent(`<style>${SHEET}</style>${shots.join('')}`);
    await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
    await page.screenshot({ path: join(OUT, `${name}.jpg`), type: 'jpeg', quality: 72, fullPage: true });
    await page.close();
    process.stdout.write(`docs/screens/${name}.jpg\n`);
  }
}

const SHEET = `
  body { margin: 6px; background: #8a8f8c; display: grid; grid-template-columns: repeat(3, 720px); gap: 6px; justify-items: center; }
  .desktop { width: 720px; }
  .phone { width: 390px; }
`;

mkdirSync(OUT, { recursive: true });
const mesh = await startMesh();
const browser = await launch('chromium');
try {
  await mesh.addWorker();
  await shoot(browser, mesh.url);
} finally {
  await browser.close();
  await mesh.stop();
}
