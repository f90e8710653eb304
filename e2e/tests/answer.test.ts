import { expect } from '@playwright/test';
import { answered, ask, lastAnswer, log, send, stop } from '../src/chat.ts';
import { lastStatus } from '../src/mesh.ts';
import { askAll } from '../src/node-client.ts';
import { longest, oneIn, plain } from '../src/questions.ts';
import { onCommonMesh, test } from '../src/visit.ts';

onCommonMesh('a Chromium user is answered by the native provider, word for word, with a receipt', async ({ visit }) => {
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

onCommonMesh('Stop stops the provider from computing', async ({ commonMesh: { worker }, visit }) => {
  const { page } = await visit();
  const answersBefore = lastStatus(worker)?.answers ?? 0;
  const tokensBefore = lastStatus(worker)?.tokens ?? 0;
  await ask(page, longest.question);
  await expect.poll(() => lastStatus(worker)?.busySlots).toBe(1);
  await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
  await stop(page).click();
  await expect(send(page)).toBeVisible();
  await expect.poll(() => lastStatus(worker)?.busySlots).toBe(0);
  const tokens = lastStatus(worker)?.tokens ?? 0;
  expect(tokens).toBeGreaterThan(tokensBefore);
  await page.waitForTimeout(1_500);
  expect(lastStatus(worker)).toMatchObject({ busySlots: 0, answers: answersBefore, tokens });
  await expect(lastAnswer(page)).toContainText(/stopped here/i);
  await expect(lastAnswer(page)).not.toContainText(longest.answer.slice(-40));
});

onCommonMesh(
  'the second visitor sees their place in the line and is answered; a stopped answer is continued',
  async ({ visit }) => {
    const [{ page }, { page: other }] = [await visit(), await visit()];
    const short = plain.reduce((a, b) => (b.answer.length < a.answer.length ? b : a));
    await ask(page, longest.question);
    await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
    await ask(other, short.question);
    await expect(lastAnswer(other)).toContainText('Next in line');
    await stop(page).click();
    await expect(lastAnswer(page)).toContainText(/stopped here/i);
    await expect(await answered(other)).toContainText(short.answer);
    await page.getByRole('button', { name: 'Continue' }).click();
    const article = await answered(page);
    await expect(article).toContainText(longest.answer.slice(-12));
    await expect(article).toContainText(/continued at\stoken\s\d+/);
  },
);

const nativeAnswers = oneIn(15);

test(
  `the native provider knows ${nativeAnswers.length} canonical answers word for word`,
  { tag: '@wide' },
  async ({ mesh }) => {
    test.setTimeout(300_000);
    await mesh.addWorker();
    const wrong = (await askAll(mesh.url, nativeAnswers)).filter(({ expected, text }) => text !== expected);
    expect(wrong).toEqual([]);
  },
);

test(
  'a provider that is killed in mid-answer is known to be gone within 3 s',
  { tag: '@wide' },
  async ({ mesh, visit }) => {
    const worker = await mesh.addWorker('--max-speed', '20');
    const { page } = await visit();
    await ask(page, longest.question);
    await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
    worker.process.kill('SIGKILL');
    await expect(lastAnswer(page)).toContainText(/left.*What you have is kept/s, { timeout: 3_000 });
    await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
    await expect(send(page)).toBeVisible();
  },
);
