/** An open tab survives what happens around it: outages, upgrades of the server, reloads, Back and Forward. */
import { expect, type Page } from '@playwright/test';
import { launch, openPage, type BrowserName } from '../src/browsers.ts';
import { answered, ask, log, message, modelPicker, stop, tinyIsOffered } from '../src/chat.ts';
import { startMesh } from '../src/mesh.ts';
import { plain } from '../src/questions.ts';
import { Release } from '../src/release.ts';
import { onCommonMesh as test } from '../src/visit.ts';

const [one, two] = plain;
const place = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name, exact: true });
const path = (page: Page) => new URL(page.url()).pathname;
const missing = (page: Page) => page.getByRole('main').getByRole('alert');
const newVersion = (page: Page) => page.getByRole('status', { name: 'New version' });
const provider = (page: Page) => page.getByRole('status', { name: 'Provider status' });

for (const name of ['chromium', 'firefox'] as BrowserName[]) {
  test(
    `in ${name} parts that do not load say so and come later, and conversations have addresses`,
    { tag: '@wide' },
    async ({ mesh, commonBrowsers }) => {
      test.setTimeout(300_000);
      {
        const { page } = await openPage(await commonBrowsers.get(name), mesh.url);
        await tinyIsOffered(page);

        // An outage: each file of a part may be the one that does not come.
        for (const files of [/assets\/DonatePage.*\.js/, /assets\/DonatePage.*\.css/]) {
          await page.route(files, (route) => route.abort());
          await place(page, 'Donate').click();
          await expect(missing(page)).toContainText('could not be loaded. Check the connection.');
          await page.unroute(files);
          await place(page, 'Chat').click();
        }
        await place(page, 'Donate').click();
        await expect(page.getByRole('heading', { level: 1, name: 'Lend this computer.' })).toBeVisible();
        expect(await page.locator('.lend__stage').evaluate((stage) => getComputedStyle(stage).display)).not.toBe(
          'block',
        );
        await page.route(/assets\/NetworkPage/, (route) => route.abort());
        await place(page, 'Network').click();
        const again = missing(page).getByRole('button', { name: 'Try again' });
        await again.click();
        await expect(again).toBeFocused();
        await page.unroute(/assets\/NetworkPage/);
        await again.click();
        await expect(page.getByRole('heading', { level: 1, name: /computer/ })).toBeFocused();

        // Markdown that does not come leaves the words.
        await page.route(/assets\/Formatted/, (route) => route.fulfill({ status: 404, body: '' }));
        await place(page, 'Chat').click();
        await ask(page, one?.question ?? '');
        await expect(await answered(page)).toContainText(one?.answer.slice(0, 20) ?? '');
        await expect(missing(page)).toContainText('LLMesh was updated. Reload to go on');
        await message(page).fill('Half a sentence');
        const first = path(page);
        expect(first).toMatch(/^\/c\/\w+$/);
        await page.unroute(/assets\/Formatted/);
        await missing(page).getByRole('button', { name: 'Reload' }).click();
        await expect(log(page).getByRole('article')).toHaveCount(2);
        await expect(missing(page)).toHaveCount(0);
        expect(path(page)).toBe(first);

        // Back and Forward, links, and what is not there.
        await page.getByRole('button', { name: 'New conversation' }).first().click();
        await expect(page).toHaveURL(`${mesh.url}/`);
        await tinyIsOffered(page);
        await ask(page, two?.question ?? '');
        await answered(page);
        const second = path(page);
        await place(page, 'Network').click();
        await page.goBack();
        await expect(page.getByRole('heading', { level: 1 })).toHaveText(two?.question ?? '');
        await page.goBack();
        await expect(page.getByRole('heading', { level: 1 })).toHaveText(one?.question ?? '');
        expect(path(page)).toBe(first);
        await page.goForward();
        await expect(page.getByRole('heading', { level: 1 })).toHaveText(two?.question ?? '');
        expect(path(page)).toBe(second);
        const talks = page.getByRole('complementary', { name: 'Conversations' });
        await expect(talks.getByRole('link', { name: one?.question ?? '' })).toHaveAttribute('href', first);
        await talks.getByRole('button', { name: `Delete ${two?.question}` }).click();
        await expect(page).toHaveURL(`${mesh.url}/`);
        await expect(talks.getByRole('button', { name: 'Undo' })).toBeVisible();
        await page.goto(mesh.url + second.replace(/.$/, 'x'));
        await expect(page.getByRole('heading', { name: 'This conversation isn’t in this browser.' })).toBeVisible();
        await page.getByRole('link', { name: 'New conversation' }).click();
        await expect(page).toHaveURL(`${mesh.url}/`);
        const gone = await page.goto(`${mesh.url}/nowhere`);
        expect(gone?.status()).toBe(404);
        await expect(page.getByRole('heading', { name: 'There is no such page.' })).toBeVisible();
        await page.goto(`${mesh.url}/DONATE/`);
        await expect(page).toHaveURL(`${mesh.url}/donate`);
        await page.goto(`${mesh.url}/settings`);
        await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
        await expect(page).toHaveURL(`${mesh.url}/`);
        await page.context().close();
      }
    },
  );
}

test(
  'a newer version reloads only the tab that asks for it, after its answer, and donating goes on',
  { tag: '@wide' },
  async () => {
    test.setTimeout(300_000);
    const release = new Release();
    const mesh = await startMesh(undefined, ['--web', release.folder]);
    const browser = await launch('chromium');
    try {
      const context = await browser.newContext({ serviceWorkers: 'allow', reducedMotion: 'reduce' });
      const open = async (at: string) => {
        const page = await context.newPage();
        await page.goto(mesh.url + at);
        await page.evaluate(() => Object.assign(window, { sameVisit: true }));
        return page;
      };
      const sameVisit = (page: Page) => page.evaluate(() => 'sameVisit' in window);
      const donor = await open('/donate');
      await donor.evaluate(() => navigator.serviceWorker.ready);
      await donor.getByRole('radio', { name: 'LLMesh tiny' }).check();
      await donor.getByRole('button', { name: 'Start donating' }).click();
      await expect(provider(donor)).toHaveAttribute('data-phase', 'waiting', { timeout: 120_000 });
      const asker = await open('/');
      const other = await open('/');
      await tinyIsOffered(asker);
      await ask(asker, one?.question ?? '');
      await answered(asker);
      const talk = path(asker);

      release.next();
      await asker.evaluate(async () => (await navigator.serviceWorker.ready).update());
      for (const page of [asker, other, donor])
        await expect(newVersion(page)).toContainText('A new version of LLMesh is ready.');
      await newVersion(other).getByRole('button', { name: 'Later' }).click();
      await expect(newVersion(other)).toBeEmpty();
      await expect(newVersion(donor).getByRole('button', { name: 'Reload and go on donating' })).toBeVisible();

      await ask(asker, two?.question ?? '');
      await expect(stop(asker)).toBeVisible();
      await newVersion(asker).getByRole('button', { name: 'Reload after this answer' }).click();
      await expect(async () => expect(await sameVisit(asker)).toBe(false)).toPass({ timeout: 30_000 });
      expect(path(asker)).toBe(talk);
      await expect(log(asker).getByRole('article')).toHaveCount(4);
      await expect(log(asker)).not.toContainText('Interrupted');
      await expect(newVersion(asker)).toBeEmpty();

      // The other tabs go on as they were, and find their parts although the server has them no more.
      expect([await sameVisit(other), await sameVisit(donor)]).toEqual([true, true]);
      await expect(provider(donor)).toHaveAttribute('data-phase', 'waiting');
      await place(other, 'Network').click();
      await expect(other.getByRole('heading', { level: 1, name: /computer/ })).toBeVisible();

      await newVersion(donor).getByRole('button', { name: 'Reload and go on donating' }).click();
      await expect(async () => expect(await sameVisit(donor)).toBe(false)).toPass({ timeout: 30_000 });
      await expect(donor.getByRole('main').getByText('You’re donating again')).toBeVisible();
      await expect(provider(donor)).toHaveAttribute('data-phase', 'waiting', { timeout: 120_000 });
      await expect(modelPicker(asker)).toContainText('LLMesh tiny');
      await donor.getByRole('button', { name: 'Stop donating' }).click();
      await donor.reload();
      await expect(donor.getByRole('button', { name: 'Start donating' })).toBeVisible();
    } finally {
      await browser.close();
      await mesh.stop();
      release.remove();
    }
  },
);
