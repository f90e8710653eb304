import { expect } from '@playwright/test';
import { answered, ask, lastAnswer, log, message, send, stop } from '../src/chat.ts';
import { lastStatus } from '../src/mesh.ts';
import { askAll } from '../src/node-client.ts';
import { longest, oneIn, plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

test('a Chromium user is answered by the native provider, word for word, with a receipt', async ({ mesh, visit }) => {
  await mesh.addWorker();
  const { page, errors } = await visit();
  for (const { question, answer } of plain.slice(0, 3)) {
    await ask(page, question);
    const article = await answered(page);
    await expect(article).toContainText(answer);
    await expect(article).toContainText('LLMesh tiny');
    await expect(article).toContainText('direct');
    await expect(article).toContainText(/first\sword\s\d/);
  }
  await expect(log(page).getByRole('article')).toHaveCount(6);
  expect(errors).toEqual([]);
});

test('the page follows an answer to its end on a phone, until the reader scrolls up', async ({ mesh, visit }) => {
  await mesh.addWorker();
  const { page } = await visit();
  await page.setViewportSize({ width: 390, height: 600 });
  await ask(page, longest.question);
  const receipt = (await answered(page)).getByText(/first\sword/);
  await expect(receipt).toBeInViewport();
  await log(page).hover();
  await page.mouse.wheel(0, -300);
  await expect(page.getByRole('button', { name: 'Jump to the latest' })).toBeVisible();
  await page.getByRole('button', { name: 'Jump to the latest' }).click();
  await expect(receipt).toBeInViewport();
});

const nativeAnswers = oneIn(15);

test(`the native provider knows ${nativeAnswers.length} canonical answers word for word`, async ({ mesh }) => {
  test.setTimeout(300_000);
  await mesh.addWorker();
  const wrong = (await askAll(mesh.url, nativeAnswers)).filter(({ expected, text }) => text !== expected);
  expect(wrong).toEqual([]);
});

test('Stop stops the provider from computing', async ({ mesh, visit }) => {
  const worker = await mesh.addWorker('--max-speed', '20');
  const { page } = await visit();
  await ask(page, longest.question);
  await expect.poll(() => lastStatus(worker)?.busySlots).toBe(1);
  await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
  await stop(page).click();
  await expect(send(page)).toBeVisible();
  await expect.poll(() => lastStatus(worker)?.busySlots).toBe(0);
  const tokens = lastStatus(worker)?.tokens ?? 0;
  expect(tokens).toBeGreaterThan(0);
  await page.waitForTimeout(1_500);
  expect(lastStatus(worker)).toMatchObject({ busySlots: 0, answers: 0, tokens });
  await expect(lastAnswer(page)).toContainText(/stopped here/i);
  await expect(lastAnswer(page)).not.toContainText(longest.answer.slice(-40));
});

test('the second visitor sees their place in the line and is answered; a stopped answer is continued', async ({
  mesh,
  visit,
}) => {
  await mesh.addWorker('--slots', '1', '--max-speed', '14');
  const [{ page }, { page: other }] = [await visit(), await visit()];
  const long = plain.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
  const short = plain.reduce((a, b) => (b.answer.length < a.answer.length ? b : a));
  await ask(page, long.question);
  await expect(lastAnswer(page)).toContainText(long.answer.slice(0, 12));
  await ask(other, short.question);
  await expect(lastAnswer(other)).toContainText('Next in line');
  await stop(page).click();
  await expect(lastAnswer(page)).toContainText(/stopped here/i);
  await expect(await answered(other)).toContainText(short.answer);
  await page.getByRole('button', { name: 'Continue' }).click();
  const article = await answered(page);
  await expect(article).toContainText(long.answer);
  await expect(article).toContainText(/continued at\stoken\s\d+/);
});

test('a provider that is killed in mid-answer is known to be gone within 3 s', async ({ mesh, visit }) => {
  const worker = await mesh.addWorker('--max-speed', '20');
  const { page } = await visit();
  await ask(page, longest.question);
  await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
  worker.process.kill('SIGKILL');
  await expect(lastAnswer(page)).toContainText(/left.*What you have is kept/s, { timeout: 3_000 });
  await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
  await expect(send(page)).toBeVisible();
});

test('a question that cannot be answered says why, and is not lost', async ({ mesh, visit }) => {
  await mesh.addWorker();
  const { page } = await visit();
  await message(page).fill('   ');
  await message(page).press('Enter');
  await expect(log(page).getByRole('article')).toHaveCount(0);

  const giant = 'word '.repeat(20_000);
  await ask(page, giant);
  await expect(lastAnswer(page)).toContainText(/tokens, and the model holds/, { timeout: 20_000 });
  await page.getByRole('button', { name: 'Edit the question' }).click();
  await expect(message(page)).toHaveValue(giant);
});

test('a model that nobody lends any more keeps the message until somebody comes', async ({ mesh, visit }) => {
  const worker = await mesh.addWorker();
  const { page } = await visit();
  await worker.stop();
  await expect(page.getByRole('combobox', { name: 'Model' })).toContainText(/nobody/i);
  const [one] = plain;
  if (one === undefined) throw new Error('no plain question');
  await ask(page, one.question);
  await expect(lastAnswer(page).getByText('Your message is saved.')).toBeVisible();
  await mesh.addWorker();
  await expect(lastAnswer(page)).toContainText(one.answer, { timeout: 20_000 });
});
