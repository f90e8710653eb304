/** A person says a question in other words, corrects an answer, deletes a turn, and finds everything again that was there before. */
import { expect, type Page } from '@playwright/test';
import { answered, ask, lastAnswer, log, message } from '../src/chat.ts';
import { plain } from '../src/questions.ts';
import { onCommonMesh, test, type Visit } from '../src/visit.ts';

const [one, two, three] = plain as [(typeof plain)[0], (typeof plain)[0], (typeof plain)[0]];
const turn = (page: Page, text: string) => log(page).getByRole('article').filter({ hasText: text });
const versions = (page: Page, what: 'question' | 'answer') =>
  log(page).getByRole('group', { name: `Versions of this ${what}` });

/** A page with two questions and their answers. */
async function talked(visit: () => Promise<Visit>): Promise<Visit> {
  const opened = await visit();
  const { page } = opened;
  await ask(page, one.question);
  await answered(page);
  await ask(page, two.question);
  await answered(page);
  return opened;
}

onCommonMesh('a question in other words stands beside the first, in every tab, by keyboard', async ({ visit }) => {
  test.setTimeout(120_000);
  const { page, errors } = await talked(visit);
  const other = await page.context().newPage();
  await other.goto(page.url());
  await message(page).fill('a draft of the next one');

  await turn(page, two.question).first().getByRole('button', { name: 'Edit this question' }).press('Enter');
  const box = log(page).getByRole('textbox', { name: 'Your question' });
  await expect(box).toBeFocused();
  await expect(box).toHaveAccessibleDescription(/What you have stays/);
  await box.press('Escape');
  await expect(box).toHaveCount(0);
  await turn(page, two.question).first().getByRole('button', { name: 'Edit this question' }).press('Enter');
  await box.fill(three.question);
  await box.press('Control+Enter');
  await expect(await answered(page)).toContainText(three.answer);
  await expect(turn(page, two.question)).toHaveCount(0);
  await expect(message(page)).toHaveValue('a draft of the next one');
  for (const tab of [page, other]) {
    await expect(versions(tab, 'question')).toHaveText(/2 of 2/);
    await expect(turn(tab, one.answer)).toHaveCount(1);
  }

  const before = versions(page, 'question').getByRole('button', { name: 'Previous version' });
  await before.press('Enter');
  await expect(lastAnswer(page)).toContainText(two.answer);
  await expect(versions(page, 'question').getByRole('button', { name: 'Next version' })).toBeFocused();
  await expect(lastAnswer(other)).toContainText(two.answer);
  await page.reload();
  await expect(lastAnswer(page)).toContainText(two.answer);
  await expect(versions(page, 'question')).toHaveText(/1 of 2/);
  expect(errors).toEqual([]);
});

onCommonMesh('an answer is asked for again, corrected and compared, and all of them stay', async ({ visit }) => {
  test.setTimeout(120_000);
  const { page, errors } = await talked(visit);
  await lastAnswer(page).getByRole('button', { name: 'Try again' }).click();
  await expect(versions(page, 'answer')).toHaveText(/2 of 2/);
  await answered(page);

  await lastAnswer(page).getByRole('button', { name: 'More for this answer' }).click();
  await page.getByRole('button', { name: 'Edit the answer' }).click();
  const box = log(page).getByRole('textbox', { name: 'The answer' });
  await box.fill('In my own words.');
  await log(page).getByRole('button', { name: 'Save' }).click();
  await expect(lastAnswer(page)).toHaveAccessibleName('Answer from You');
  await expect(lastAnswer(page)).toContainText('In my own words.');
  await expect(versions(page, 'answer')).toHaveText(/3 of 3/);

  await lastAnswer(page).getByRole('button', { name: 'More for this answer' }).click();
  await page.getByRole('button', { name: 'Compare 3 versions' }).click();
  const dialog = page.getByRole('dialog', { name: 'Versions of this answer' });
  await expect(dialog.getByRole('listitem')).toHaveCount(3);
  await expect(dialog.getByRole('heading', { name: '3. Edited' })).toBeVisible();
  await dialog.getByRole('button', { name: 'Go on with this one' }).first().click();
  await expect(lastAnswer(page)).toContainText(two.answer);
  await expect(versions(page, 'answer')).toHaveText(/1 of 3/);
  expect(errors).toEqual([]);
});

onCommonMesh('a turn is deleted and comes back; another conversation goes on from an answer', async ({ visit }) => {
  test.setTimeout(120_000);
  const { page, errors } = await talked(visit);
  const articles = log(page).getByRole('article');
  await expect(articles).toHaveCount(4);
  await articles.first().hover();
  await articles.first().getByRole('button', { name: 'Delete this question' }).click();
  await expect(articles).toHaveCount(2);
  const news = page.getByRole('status', { name: 'Messages' });
  await expect(news).toContainText('Deleted the question and its answers.');
  await expect(news.getByRole('button', { name: 'Undo' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(articles).toHaveCount(4);
  await expect(articles.first()).toContainText(one.question);

  const address = page.url();
  await articles.nth(1).getByRole('button', { name: 'More for this answer' }).click();
  await page.getByRole('button', { name: 'Go on in a new conversation' }).click();
  await expect(articles).toHaveCount(2);
  await expect(page).not.toHaveURL(address);
  await ask(page, three.question);
  await expect(await answered(page)).toContainText(three.answer);
  await page.goBack();
  await expect(articles).toHaveCount(4);
  expect(errors).toEqual([]);
});
