/** Answers that outlive their provider, in real browsers and processes: the text is that of an undisturbed answer. */
import { expect, type Page } from '@playwright/test';
import { peerName } from '@llmesh/core/identity/names';
import type { PeerId } from '@llmesh/core/base/ids';
import { answered, ask, lastAnswer, modelPicker } from '../src/chat.ts';
import type { Running } from '../src/processes.ts';
import { plain } from '../src/questions.ts';
import { launchToKill, openPage } from '../src/browsers.ts';
import { test } from '../src/visit.ts';

/** An answer that is long enough to be interrupted, in words that the page shows as they are. */
const long = plain.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
const PER_SECOND = '8';

function nameOf(worker: Running): string {
  return peerName(worker.lines.find((line) => line['ready'] === true)?.['peerId'] as PeerId);
}

/** Asks, and resolves when there are some words of the answer, with the one who writes it, and the other. */
async function begin(page: Page, one: Running, other: Running): Promise<[Running, Running]> {
  await ask(page, long.question);
  await expect(lastAnswer(page)).toContainText(long.answer.slice(0, 60));
  const shown = await lastAnswer(page).innerText();
  return shown.includes(nameOf(one)) ? [one, other] : [other, one];
}

test('a provider that is killed in mid-answer costs no word: the next continues, and the seam is shown; so when one stops', async ({
  mesh,
  visit,
}) => {
  test.setTimeout(300_000);
  const addWorker = () => mesh.addWorker('--max-speed', PER_SECOND);
  const [one, other] = [await addWorker(), await addWorker()];
  const { page, errors } = await visit();
  const [first, second] = await begin(page, one, other);
  first.process.kill('SIGKILL');
  const resumed = await answered(page);
  await expect(resumed).toContainText(long.answer);
  await expect(resumed).toContainText(`resumed on ${nameOf(second)}`);
  await expect(resumed).toContainText(/at\stoken\s\d+/);

  const third = await addWorker();
  await expect.poll(() => lenders(mesh.url)).toBe(2);
  const [stopped, last] = await begin(page, second, third);
  stopped.process.kill('SIGTERM');
  const handedOver = await answered(page);
  await expect(handedOver).toContainText(long.answer);
  await expect(handedOver).toContainText(`resumed on ${nameOf(last)}`);
  expect(errors).toEqual([]);

  // A model that nobody lends any more keeps the message until somebody comes.
  last.process.kill('SIGSTOP');
  await expect(modelPicker(page)).toContainText(/nobody/i);
  await ask(page, plain[0]?.question ?? '');
  await expect(lastAnswer(page).getByText('Your message is saved.')).toBeVisible();
  last.process.kill('SIGCONT');
  await expect(lastAnswer(page)).toContainText(plain[0]?.answer ?? '');
});

/** A volunteer's page that lends the tiny model, gently: there is time to go in the middle of an answer. */
async function donateGently(page: Page): Promise<void> {
  await page.getByRole('radio', { name: 'Gentle' }).check();
  await page.getByRole('button', { name: 'Start donating' }).click();
  await expect(page.getByRole('status', { name: 'Provider status' })).toContainText(/Ready. No requests/, {
    timeout: 90_000,
  });
}

/** How many providers of the tiny model the control plane knows now. */
async function lenders(url: string): Promise<number> {
  const { models } = (await (await fetch(`${url}/api/models`)).json()) as { models: { providers: number }[] };
  return models[0]?.providers ?? 0;
}

for (const how of ['is killed', 'stops donating'] as const) {
  test(`a volunteer whose browser ${how} in mid-answer costs no word`, { tag: '@wide' }, async ({ mesh, visit }) => {
    test.setTimeout(180_000);
    const volunteer = await launchToKill();
    try {
      const lending = await openPage(volunteer.browser, `${mesh.url}/donate`);
      await donateGently(lending.page);
      const { page, errors } = await visit();
      // The worker sleeps when the question is asked, so that the volunteer answers.
      const worker = await mesh.addWorker();
      worker.process.kill('SIGSTOP');
      await expect.poll(() => lenders(mesh.url), { timeout: 15_000 }).toBe(1);
      await ask(page, long.question);
      await expect(lastAnswer(page)).toContainText(long.answer.slice(0, 10));
      worker.process.kill('SIGCONT');
      await expect.poll(() => lenders(mesh.url), { timeout: 15_000 }).toBe(2);
      await expect(lastAnswer(page)).not.toContainText(long.answer);
      if (how === 'is killed') await volunteer.kill();
      else await lending.page.getByRole('button', { name: 'Stop donating' }).click();
      const article = await answered(page);
      await expect(article).toContainText(long.answer);
      await expect(article).toContainText(`resumed on ${nameOf(worker)}`);
      expect(errors).toEqual([]);
    } finally {
      await volunteer.kill();
    }
  });
}
