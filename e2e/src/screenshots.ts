/**
 * `npm run screenshots -- [scene…]`: puts the pages of a running mesh, or these of them, desktop and phone, light and dark, into
 * docs/images.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Browser, type Page } from '@playwright/test';
import { launch } from './browsers.ts';
import { answered, ask, tinyIsOffered } from './chat.ts';
import { startMesh } from './mesh.ts';
import { ROOT } from './processes.ts';
import { known } from './questions.ts';

const OUT = join(ROOT, 'docs', 'images');
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

const scenes: Record<string, { path: string; prepare: Scene }> = {
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
  votes: {
    path: '/votes',
    prepare: (page) => expect(page.getByRole('heading', { name: 'Votes', level: 1 })).toBeVisible(),
  },
};

async function shoot(browser: Browser, url: string): Promise<void> {
  const wanted = process.argv.slice(2);
  for (const [name, { path, prepare }] of Object.entries(scenes)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    for (const [size, viewport] of Object.entries(SIZES)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const context = await browser.newContext({
          viewport,
          colorScheme,
          serviceWorkers: 'block',
          reducedMotion: 'reduce',
        });
        const page = await context.newPage();
        await page.goto(url + path);
        await prepare(page);
        await page.evaluate(() => document.fonts.ready);
        const file = `${name}-${size}-${colorScheme}.png`;
        await page.screenshot({ path: join(OUT, file), animations: 'disabled' });
        await context.close();
        process.stdout.write(`docs/images/${file}\n`);
      }
    }
  }
}

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
