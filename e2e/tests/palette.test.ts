/** A person goes everywhere by Ctrl+K and a few letters, without touching the mouse. */
import { expect } from '@playwright/test';
import { answered, ask, message, tinyIsOffered } from '../src/chat.ts';
import { plain } from '../src/questions.ts';
import { onCommonMesh, test } from '../src/visit.ts';

const [one] = plain as [(typeof plain)[0]];

onCommonMesh('conversations, pages, colours and the list of keys are found by a few letters', async ({ visit }) => {
  test.setTimeout(120_000);
  const { page, errors } = await visit();
  await tinyIsOffered(page);
  await ask(page, one.question);
  await answered(page);
  const address = page.url();
  const dialog = page.getByRole('dialog', { name: 'Go to or do' });
  const box = dialog.getByRole('combobox', { name: 'Find a conversation or a command' });

  await page.keyboard.press('Control+k');
  await expect(box).toBeFocused();
  await box.fill('netw');
  await expect(dialog.getByRole('option', { name: 'Network' })).toHaveAttribute('aria-selected', 'true');
  await box.press('Enter');
  await expect(page).toHaveURL(/\/network$/);
  await page.keyboard.press('Control+k');
  await box.fill(one.answer.split(' ').slice(2, 5).join(' '));
  await expect(dialog.getByRole('option', { name: one.question })).toBeVisible();
  await box.press('ArrowUp');
  await dialog.getByRole('option', { name: one.question }).click();
  await expect(page).toHaveURL(address);
  await expect(dialog).toHaveCount(0);

  await message(page).press('Control+k');
  await box.fill('dark col');
  await box.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.keyboard.press('Control+k');
  await box.fill('shortcuts');
  await box.press('Enter');
  await expect(dialog.getByRole('heading', { name: 'Keyboard shortcuts' })).toBeVisible();
  await expect(dialog.getByRole('definition').filter({ hasText: 'Begins a new line' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await page.keyboard.press('Control+k');
  await box.fill('zzz no such');
  await expect(dialog.getByRole('status')).toHaveText('Nothing matches “zzz no such”.');
  expect(errors).toEqual([]);
});
