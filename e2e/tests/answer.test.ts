import { expect, test } from '@playwright/test';
import { launch, openPage } from '../src/browsers.ts';
import { answered, ask, lastAnswer, log, message, send, stop, tinyIsOffered } from '../src/chat.ts';
import { lastStatus, startMesh, type TestMesh } from '../src/mesh.ts';
import { askAll } from '../src/node-client.ts';
import { known, longest, plain } from '../src/questions.ts';

let mesh: TestMesh;
test.beforeEach(async () => {
  mesh = await startMesh();
});
test.afterEach(() => mesh.stop());

test('a Chromium user is answered by the native provider, word for word, with a receipt', async () => {
  await mesh.addWorker();
  const browser = await launch('chromium');
  try {
    const { page, errors } = await openPage(browser, mesh.url);
    await tinyIsOffered(page);
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
  } finally {
    await browser.close();
  }
});

test('the page follows an answer to its end on a phone, until the reader scrolls up', async () => {
  await mesh.addWorker();
  const browser = await launch('chromium');
  try {
    const { page } = await openPage(browser, mesh.url);
    await page.setViewportSize({ width: 390, height: 600 });
    await tinyIsOffered(page);
    await ask(page, longest.question);
    const receipt = (await answered(page)).getByText(/first\sword/);
    await expect(receipt).toBeInViewport();
    await log(page).hover();
    await page.mouse.wheel(0, -300);
    await expect(page.getByRole('button', { name: 'To the end' })).toBeVisible();
    await page.getByRole('button', { name: 'To the end' }).click();
    await expect(receipt).toBeInViewport();
  } finally {
    await browser.close();
  }
});

test('the native provider knows every canonical answer word for word', async () => {
  test.setTimeout(300_000);
  await mesh.addWorker();
  const wrong = (await askAll(mesh.url, known)).filter(({ expected, text }) => text !== expected);
  expect(wrong).toEqual([]);
});

test('Stop stops the provider from computing', async () => {
  const worker = await mesh.addWorker('--max-speed', '20');
  const browser = await launch('chromium');
  try {
    const { page } = await openPage(browser, mesh.url);
    await tinyIsOffered(page);
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
  } finally {
    await browser.close();
  }
});

test('a provider that is killed in mid-answer is known to be gone within 3 s', async () => {
  const worker = await mesh.addWorker('--max-speed', '20');
  const browser = await launch('chromium');
  try {
    const { page } = await openPage(browser, mesh.url);
    await tinyIsOffered(page);
    await ask(page, longest.question);
    await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
    worker.process.kill('SIGKILL');
    await expect(lastAnswer(page)).toContainText(/left.*What you have is kept/s, { timeout: 3_000 });
    await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
    await expect(send(page)).toBeVisible();
  } finally {
    await browser.close();
  }
});

test('a question that cannot be answered says why, and is not lost', async () => {
  await mesh.addWorker();
  const browser = await launch('chromium');
  try {
    const { page } = await openPage(browser, mesh.url);
    await tinyIsOffered(page);
    await message(page).fill('   ');
    await message(page).press('Enter');
    await expect(log(page).getByRole('article')).toHaveCount(0);

    const giant = 'word '.repeat(20_000);
    await ask(page, giant);
    await expect(lastAnswer(page)).toContainText(/tokens; the model reads at most/, { timeout: 20_000 });
    await page.getByRole('button', { name: 'Edit the question' }).click();
    await expect(message(page)).toHaveValue(giant);
  } finally {
    await browser.close();
  }
});

test('a model that nobody lends any more keeps the message until somebody comes', async () => {
  const worker = await mesh.addWorker();
  const browser = await launch('chromium');
  try {
    const { page } = await openPage(browser, mesh.url);
    await tinyIsOffered(page);
    await worker.stop();
    await expect(page.getByRole('combobox', { name: 'Model' })).toContainText(/nobody/i);
    const [one] = plain;
    if (one === undefined) throw new Error('no plain question');
    await ask(page, one.question);
    await expect(lastAnswer(page).getByText('Your message is kept.')).toBeVisible();
    await mesh.addWorker();
    await expect(lastAnswer(page)).toContainText(one.answer, { timeout: 20_000 });
  } finally {
    await browser.close();
  }
});
