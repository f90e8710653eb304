/** The page in other languages: the first that the browser asks for, from right to left too, and another by choice. */
import { expect, type Browser, type Page } from '@playwright/test';
import { answered, ask } from '../src/chat.ts';
import { sideways, SIZES } from '../src/looks.ts';
import { plain } from '../src/questions.ts';
import { onCommonMesh as test } from '../src/visit.ts';

const [asked] = plain;

/** Everything of a visit to the mesh's page in this language of the browser. */
async function visited(browser: Browser, url: string, locale: string) {
  const context = await browser.newContext({ locale, serviceWorkers: 'block' });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto(url);
  return { page, errors };
}

const direction = (page: Page) => page.evaluate(() => getComputedStyle(document.body).direction);

test('a page in Arabic runs from right to left at every size, and nothing leaves the window', async ({
  mesh,
  commonBrowsers,
}) => {
  const { page, errors } = await visited(await commonBrowsers.get('chromium'), mesh.url, 'ar-EG');
  await expect(page.locator('html')).toHaveAttribute('lang', 'ar');
  expect(await direction(page)).toBe('rtl');
  for (const path of ['/', '/models', '/donate', '/network', '/credits']) {
    await page.goto(mesh.url + path);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/\p{Script=Arabic}/u);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      expect(await sideways(page), `${path}, ${size}`).toEqual([]);
    }
  }
  expect(errors).toEqual([]);
  await page.context().close();
});

test('who reads German asks and is answered; another language is chosen in the settings, and stays', async ({
  mesh,
  commonBrowsers,
}) => {
  const { page, errors } = await visited(await commonBrowsers.get('chromium'), mesh.url, 'de-AT');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Leih dir einen Computer');
  await expect(page.getByRole('combobox', { name: 'Modell' })).toContainText('1 Helfer', { timeout: 30_000 });
  await page.getByRole('textbox', { name: 'Nachricht' }).fill(asked!.question);
  await page.getByRole('button', { name: 'Senden', exact: true }).click();
  await expect(page.getByRole('log').getByRole('article').last()).toContainText(asked!.answer, { timeout: 30_000 });

  await page.goto(`${mesh.url}/settings`);
  await page.getByLabel('Sprache').selectOption('English');
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.goto(mesh.url);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Borrow a computer');
  await ask(page, asked!.question);
  await answered(page);
  expect(errors).toEqual([]);
  await page.context().close();
});
