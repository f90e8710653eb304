/** The Models page as a person uses it: a download that is paused and survives a reload, a file of their own, and a chat with either. */
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { askByKey, answered, lastAnswer } from '../src/chat.ts';
import { look } from '../src/pictures.ts';
import { madeGguf } from '../src/made-gguf.ts';
import { startModelMirror } from '../src/model-mirror.ts';
import { ROOT } from '../src/processes.ts';
import { plain } from '../src/questions.ts';
import { onCommonMesh as test } from '../src/visit.ts';

const MIB = 1_048_576;
const { question, answer } = plain[0]!;

const onDevice = (page: Page) => page.getByRole('region', { name: 'On this device' });
const modelCard = (page: Page, name: string | RegExp) =>
  page.getByRole('region', { name: 'All models' }).getByRole('article', { name });

test('a volunteer’s model is found, filtered for, and chatted with', async ({ visitIn }) => {
  const { page, errors } = await visitIn('chromium');
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Models' }).click();
  await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeFocused();
  await expect(modelCard(page, /^LLMesh tiny/)).toContainText('One volunteer lends it', { timeout: 30_000 });
  // A real model is recommended before the demo, with what it costs to get.
  await expect(page.getByRole('region', { name: /^Our pick: Qwen/ })).toContainText(/\d+ MB to download once/);
  await look(page, 'models');
  const found = page.getByRole('status', { name: 'Models found' });
  await page.getByLabel('Show').selectOption('Lent by volunteers now');
  await expect(found).toContainText('1 model');
  await page.getByRole('searchbox', { name: 'Search' }).fill('nothing like it');
  await expect(found).toContainText('0 models');
  await page.getByRole('searchbox', { name: 'Search' }).fill('tiny');
  await modelCard(page, /^LLMesh tiny/)
    .getByRole('button', { name: 'Chat with this' })
    .click();
  await expect(page).toHaveURL(/\/$/);
  await expect(page.getByRole('combobox', { name: 'Model' })).toContainText('LLMesh tiny');
  await askByKey(page, question);
  await expect(await answered(page)).toContainText(answer.slice(0, 40));
  expect(errors).toEqual([]);
});

test('a download goes on behind other pages and after a reload, and stays paused', async ({ visitIn }) => {
  test.setTimeout(180_000);
  const made = await madeGguf(16 * MIB + 5);
  const mirror = await startModelMirror({ files: made.files });
  mirror.faults.chunkDelayMs = 6;
  const sent = () => mirror.sent[made.path] ?? 0;
  const { page } = await visitIn('chromium', '/donate');
  await page.context().route('**/models/catalogue.json', (route) => route.fulfill({ json: { models: [made.model] } }));
  await page.reload();
  await page.getByText('For operators').click();
  await page.getByRole('textbox', { name: 'Model mirror' }).fill(mirror.url);
  await page.getByRole('button', { name: 'Use', exact: true }).click();
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Models' }).click();
  const { name } = made.model;
  await modelCard(page, name).getByRole('button', { name: 'Download' }).click();
  const bar = onDevice(page).getByRole('progressbar', { name: `Download of ${name}` });
  await expect
    .poll(async () => Number(await bar.getAttribute('aria-valuenow')), { timeout: 60_000 })
    .toBeGreaterThan(10);
  await onDevice(page)
    .getByRole('button', { name: `Pause the download of ${name}` })
    .click();
  await expect(onDevice(page)).toContainText(/Paused: .* here/);
  await expect(onDevice(page).getByRole('button', { name: `Resume the download: ${name}` })).toBeFocused();
  await look(page, 'paused');
  await page.reload();
  await expect(onDevice(page)).toContainText(/Paused: .* here/, { timeout: 30_000 });
  const before = sent();
  await onDevice(page)
    .getByRole('button', { name: `Resume the download: ${name}` })
    .click();
  await expect.poll(sent, { timeout: 60_000 }).toBeGreaterThan(before);
  // It goes on by itself wherever the page is opened, and tells those who listen.
  await page.goto(new URL('/donate', page.url()).href);
  await expect(page.getByRole('status', { name: 'News' })).toContainText(`${name} is on this device now.`, {
    timeout: 120_000,
  });
  // What was on its way when it was paused or reloaded came for nothing; nothing else came twice.
  expect(sent()).toBeLessThanOrEqual(made.model.sizeBytes + 8 * MIB);
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Models' }).click();
  await onDevice(page)
    .getByRole('button', { name: new RegExp(`^Remove ${name}`) })
    .click();
  await expect(onDevice(page)).toContainText('No model is on this device yet.');
  await mirror.close();
});

test('a file of one’s own answers on this device, and is not offered for lending', async ({ visitIn }) => {
  test.setTimeout(180_000);
  const { page, errors } = await visitIn('chromium', '/models');
  const field = page.getByLabel('Choose a GGUF file');
  await field.setInputFiles({ name: 'letter.gguf', mimeType: 'text/plain', buffer: Buffer.from('Dear reader') });
  await expect(page.getByRole('region', { name: 'Your own model' })).toContainText('letter is not a GGUF file.');
  await field.setInputFiles(join(ROOT, 'models/tiny/llmesh-tiny.gguf'));
  await expect(page.getByRole('status', { name: 'Your own model' })).toContainText(
    'LLMesh tiny is on this device now',
    {
      timeout: 60_000,
    },
  );
  const mine = modelCard(page, 'LLMesh tiny yours');
  await look(page, 'own');
  await expect(mine.getByRole('button', { name: 'Lend this from here' })).toHaveCount(0);
  await mine.getByRole('button', { name: 'Chat with this' }).click();
  await expect(page.getByRole('combobox', { name: 'Model' })).toContainText('this device');
  await askByKey(page, question);
  await expect(lastAnswer(page)).toContainText(answer.slice(0, 40), { timeout: 120_000 });
  await page.reload();
  await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Models' }).click();
  await onDevice(page)
    .getByRole('button', { name: /^Remove LLMesh tiny q8/ })
    .first()
    .click();
  await expect(mine).toHaveCount(0);
  expect(errors.filter((error) => !error.includes('not a GGUF'))).toEqual([]);
});
