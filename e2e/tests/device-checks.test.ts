/** What a volunteer can have found out about their computer, and what the Network page says of the mesh, by role and name. */
import { expect } from '@playwright/test';
import { look } from '../src/pictures.ts';
import { onCommonMesh as test } from '../src/visit.ts';

test('a model on this device is measured, and its speed is kept', async ({ visitIn }) => {
  test.setTimeout(180_000);
  const { page, errors } = await visitIn('chromium', '/models');
  const card = page.getByRole('region', { name: 'All models' }).getByRole('article', { name: /^LLMesh tiny/ });
  await card.getByRole('button', { name: 'Download' }).click({ timeout: 30_000 });
  await expect(card.getByRole('button', { name: 'Chat on this device' })).toBeVisible({ timeout: 60_000 });
  await card.getByRole('button', { name: 'Lend this from here' }).click();
  await expect(page).toHaveURL(/\/donate$/);
  await expect(page.getByRole('radio', { name: /^LLMesh tiny/ })).toBeChecked();
  await page.getByRole('button', { name: /^Measure LLMesh tiny/ }).click();
  const says = page.getByRole('status', { name: 'Measurement' });
  await expect(says).toContainText(/LLMesh tiny wrote \d+ tokens at [\d.,]+ tok\/s\. The first came after/, {
    timeout: 120_000,
  });
  await page.reload();
  const measured = page.getByRole('region', { name: 'How fast models are here' });
  await expect(measured).toContainText(/LLMesh tiny.*\d tok\/s/s, { timeout: 30_000 });
  expect(errors).toEqual([]);
});

test('a computer is told how others reach it, and what to do', async ({ visitIn }) => {
  const { page } = await visitIn('chromium', '/donate');
  const reach = page.getByRole('region', { name: 'Can others reach this computer?' });
  await expect(page.getByRole('switch', { name: 'Share the model files while lending' })).toBeVisible();
  await page.getByRole('button', { name: 'Check now' }).click();
  // This mesh names no server outside.
  await expect(reach).toContainText('Computers on your own network can reach this one directly.', { timeout: 30_000 });
  await expect(reach.getByRole('button', { name: 'Check again' })).toBeFocused();
  await look(page, 'donate');
});

test('Network says what is lent, why the rest is not, and how this computer would help', async ({ visitIn }) => {
  const { page, errors } = await visitIn('chromium', '/network');
  const lent = page.getByRole('list', { name: 'Models that are lent' });
  await expect(lent).toContainText(/LLMesh tiny.*1 computer.*starts now: 1 of 1 place free/s, { timeout: 30_000 });
  const health = page.getByRole('region', { name: 'How the mesh is' });
  await expect(health).toContainText('One model is lent by one computer only');
  const absent = page.getByRole('list', { name: 'Models that nobody lends' });
  await expect(absent.getByRole('listitem').filter({ hasText: 'Qwen3 32B' })).toContainText(
    /Nobody lends it now\. This computer cannot: .* can lend it with the desktop worker\./,
    { timeout: 30_000 },
  );
  await look(page, 'network');
  await absent.getByRole('link', { name: 'Lend Qwen2.5 0.5B from here' }).click();
  await expect(page.getByRole('radio', { name: /^Qwen2.5 0.5B/ })).toBeChecked();
  expect(errors).toEqual([]);
});
