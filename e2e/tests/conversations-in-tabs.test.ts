/** One browser, several tabs of the page: they show one truth, and what one of them has written survives it. */
import { expect, type Page } from '@playwright/test';
import { launch, launchToKill, openPage } from '../src/browsers.ts';
import { answered, ask, lastAnswer, log, message, send, stop, tinyIsOffered } from '../src/chat.ts';
import { longest, plain } from '../src/questions.ts';
import { onCommonMesh, test } from '../src/visit.ts';

const [one, two, three] = plain as [(typeof plain)[0], (typeof plain)[0], (typeof plain)[0]];
/** Of the longest answer, whose lists the page shows in a shape of their own. */
const [ITS_BEGINNING, ITS_END] = [longest.answer.slice(0, 12), longest.answer.slice(-80)];
/** Longer than a control plane keeps a silent socket, and a volunteer an answer that nobody takes. */
const SLEEP_MS = 100_000;
const talks = (page: Page) => page.getByRole('complementary', { name: 'Conversations' });
const talk = (page: Page, title: string) => talks(page).getByText(title);

onCommonMesh('tabs share conversations, answers and drafts, and survive each other', async ({ mesh, visit }) => {
  test.setTimeout(240_000);
  const { page: a, errors } = await visit();
  const b = await a.context().newPage();
  await b.goto(mesh.url);
  await tinyIsOffered(b);

  await ask(a, one.question);
  await answered(a);
  await talk(b, one.question).click();
  await expect(lastAnswer(b)).toContainText(one.answer);
  await ask(a, two.question);
  await answered(a);
  await expect(lastAnswer(b)).toContainText(two.answer);
  await ask(b, three.question);
  await answered(b);
  await expect(log(a).getByRole('article')).toHaveCount(6);
  await expect(lastAnswer(a)).toContainText(three.answer);

  // A draft belongs to its conversation.
  await message(a).fill('half a thought');
  await expect(message(b)).toHaveValue('half a thought');
  await b.getByRole('button', { name: 'New conversation' }).first().click();
  await expect(message(b)).toHaveValue('');
  await message(a).fill('');

  // What is written in one tab is seen, and stopped, in another.
  await talk(b, one.question).click();
  await ask(a, longest.question);
  await expect(lastAnswer(b)).toContainText(ITS_BEGINNING);
  await stop(b).click();
  await expect(lastAnswer(a)).toContainText(/stopped here/i);
  await expect(send(b)).toBeVisible();

  // After a reload it continues by itself, after its very last word.
  // A tab that is not looked at draws nothing, so nothing in it can be clicked.
  await a.bringToFront();
  await a.getByRole('button', { name: 'Continue' }).click();
  await expect(lastAnswer(b)).toContainText('is writing');
  await a.reload();
  await expect(lastAnswer(b)).toContainText(ITS_END, { timeout: 60_000 });

  // What is deleted in one tab stays deleted in the other, also by its next question.
  await b.bringToFront();
  await b.getByRole('button', { name: `Delete ${one.question}` }).click();
  await expect(talk(a, one.question)).toHaveCount(0);
  await ask(a, two.question);
  await answered(a);
  await a.reload();
  await expect(talk(a, two.question)).toBeVisible();
  await expect(talk(a, one.question)).toHaveCount(0);
  expect(errors).toEqual([]);
});

test(
  'Back and Forward lead out of the page and in again, and everything is there',
  { tag: '@wide' },
  async ({ mesh }) => {
    test.setTimeout(180_000);
    await mesh.addWorker();
    const browser = await launch('chromium');
    try {
      const { page, errors } = await openPage(browser, mesh.url);
      await tinyIsOffered(page);
      await ask(page, one.question);
      await answered(page);
      await message(page).fill('half a thought');
      await page.goto(`${mesh.url}/models/catalogue.json`);
      await page.goBack();
      await expect(lastAnswer(page)).toContainText(one.answer);
      await expect(message(page)).toHaveValue('half a thought');
      await tinyIsOffered(page);
      await ask(page, two.question);
      await answered(page);
      await page.goForward();
      await page.goBack();
      await expect(log(page).getByRole('article')).toHaveCount(4);
      await expect(lastAnswer(page)).toContainText(two.answer);
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);

test(
  'an answer goes on by itself when the computer of the one who asked has slept',
  { tag: '@wide' },
  async ({ mesh }) => {
    test.setTimeout(360_000);
    await mesh.addWorker('--max-speed', '8');
    const { browser, kill, sleep } = await launchToKill();
    try {
      const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
      await page.goto(mesh.url);
      await tinyIsOffered(page);
      await ask(page, longest.question);
      await expect(lastAnswer(page)).toContainText(ITS_BEGINNING);
      await sleep(SLEEP_MS);
      await expect(lastAnswer(page)).toContainText(ITS_END, { timeout: 90_000 });
      await expect(lastAnswer(page)).not.toContainText(/ left/);
    } finally {
      await kill();
    }
  },
);
