/** Sending, stopping, following an answer, and where the focus is afterwards. */
import { expect, type Page } from '@playwright/test';
import { answered, ask, lastAnswer, log, message, send, stop } from '../src/chat.ts';
import { longest, plain } from '../src/questions.ts';
import { onCommonMesh as test } from '../src/visit.ts';

const question = plain[0]?.question ?? '';
const toLatest = (page: Page) => page.getByRole('button', { name: 'Jump to the latest' });
const fromEnd = (page: Page) =>
  log(page).evaluate((box) => Math.round(box.scrollHeight - box.scrollTop - box.clientHeight));

test('a double click sends once, Enter pressed twice does, and hints leave with their reason', async ({ visit }) => {
  const { page, errors } = await visit();
  const hint = page.getByRole('status', { name: 'Hint' });
  await message(page).fill(longest.question);
  const box = (await send(page).boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.dblclick(x, y, { delay: 20 });
  await expect(stop(page)).toBeVisible();
  // A slow second click is still one of two: `click` with a count of two would begin with a first one.
  await page.mouse.move(x, y);
  await page.mouse.down({ clickCount: 2 });
  await page.mouse.up({ clickCount: 2 });
  await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12), { timeout: 20_000 });
  await expect(log(page).getByRole('article')).toHaveCount(2);

  await message(page).fill('And then?');
  await message(page).press('Enter');
  await expect(hint).toHaveText(/Wait for this answer/);
  await expect(message(page)).toHaveValue('And then?');
  await stop(page).click();
  await expect(hint).toHaveText('');
  await expect(message(page)).toBeFocused();
  await expect(lastAnswer(page)).toContainText('You stopped here');

  // A composition that Safari ends: the event of its Enter comes after `compositionend`.
  await message(page).evaluate((area) => {
    area.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true }));
    area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }));
  });
  await expect(message(page)).toHaveValue('And then?');

  await message(page).fill(question);
  await message(page).press('Enter');
  await message(page).press('Enter');
  await expect(hint).toHaveText('');
  await expect(await answered(page)).toContainText(plain[0]?.answer ?? '');
  await expect(log(page).getByRole('article')).toHaveCount(4);
  expect(errors).toEqual([]);
});

test('following lets go at the first step up, and the focus stays with whoever works by keys', async ({ visit }) => {
  const { page } = await visit();
  await page.setViewportSize({ width: 400, height: 420 });
  await ask(page, longest.question);
  const top = () => log(page).evaluate((box) => box.scrollTop);
  const written = async () => (await lastAnswer(page).textContent())?.length ?? 0;
  await expect.poll(top, { timeout: 20_000 }).toBeGreaterThan(20);
  expect(await fromEnd(page)).toBeLessThan(3);

  // Much less than a line: the next words must not pull it down again.
  await log(page).hover();
  await page.mouse.wheel(0, -8);
  await expect(toLatest(page)).toBeVisible();
  const [before, height] = [await written(), await top()];
  await expect.poll(written, { timeout: 20_000 }).toBeGreaterThan(before + 50);
  expect(await top()).toBeLessThanOrEqual(height);
  await toLatest(page).press('Enter');
  await expect(toLatest(page)).toBeHidden();
  expect(await fromEnd(page)).toBeLessThan(3);

  await page.keyboard.press('Escape');
  await expect(lastAnswer(page)).toContainText('You stopped here');
  await expect(message(page)).toBeFocused();
  await page.getByRole('button', { name: 'Continue' }).press('Enter');
  await expect(stop(page)).toBeVisible();
  await expect(message(page)).toBeFocused();
  await stop(page).press('Enter');
  await expect(message(page)).toBeFocused();

  await page.setViewportSize({ width: 1000, height: 420 });
  const talks = page.getByRole('complementary', { name: 'Conversations' });
  await talks.getByRole('button', { name: /^Delete/ }).press('Enter');
  const undo = talks.getByRole('button', { name: 'Undo' });
  await expect(undo).toBeFocused();
  await undo.press('Enter');
  await expect(talks.locator('[aria-current]')).toBeFocused();
  await expect(log(page).getByRole('article')).toHaveCount(2);
});
