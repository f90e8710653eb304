/** A conversation that is longer than a screen, and than the memory of its model. */
import { expect, type Page } from '@playwright/test';
import { MeshError } from '@llmesh/core/base/errors';
import { launch, openPage, type BrowserName } from '../src/browsers.ts';
import { ask, log, message, send } from '../src/chat.ts';
import { writeTalks } from '../src/long-talk.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { openScriptedVolunteer, type ScriptedVolunteer } from '../src/scripted-volunteer.ts';
import { test } from '../src/visit.ts';

const LONG = { title: 'The long one', answers: 300 };
const SHORT = { title: 'A short one', answers: 1, age: 1 };
const CONTEXT_TOKENS = 2048;

let mesh: TestMesh;
let volunteer: ScriptedVolunteer;
/** How many tokens the volunteer counts for a letter. */
let tokensALetter = 0.25;
test.beforeAll(async () => {
  mesh = await startMesh();
  volunteer = await openScriptedVolunteer(mesh.url, {
    name: 'Scripted words',
    contextTokens: CONTEXT_TOKENS,
    speed: 200,
    answer(turns) {
      const letters = turns.reduce((sum, { content }) => sum + content.length, 0);
      const promptTokens = Math.ceil(letters * tokensALetter);
      if (promptTokens > CONTEXT_TOKENS) throw new MeshError('prompt_too_long', 'Too long for these words.');
      return { words: [...Array<string>(40).fill('word '), 'The end.'], promptTokens };
    },
  });
});
test.afterAll(async () => {
  await volunteer?.close();
  await mesh?.stop();
});

const rows = (page: Page) =>
  log(page)
    .getByRole('listitem')
    .filter({ has: page.getByRole('article') });

/** Scrolls up by so much, as with a wheel. Resolves with how far a row that can be seen moved down. */
async function scrollUp(page: Page, px: number): Promise<number> {
  return log(page).evaluate(async (scroller, by) => {
    const middle = scroller.getBoundingClientRect().top + scroller.clientHeight / 2;
    const seen = [...scroller.querySelectorAll('.row')].find((row) => row.getBoundingClientRect().bottom > middle)!;
    const before = seen.getBoundingClientRect().top;
    // So the page knows that it was the reader.
    scroller.dispatchEvent(new WheelEvent('wheel', { deltaY: -by }));
    scroller.scrollTop -= by;
    for (let i = 0; i < 4; i++) await new Promise(requestAnimationFrame);
    return seen.getBoundingClientRect().top - before;
  }, px);
}

for (const name of ['chromium', 'firefox'] as BrowserName[]) {
  test(
    `a long conversation opens at its end, keeps its place, is all there, and goes on past its model's memory, in ${name}`,
    { tag: '@wide' },
    async () => {
      test.slow();
      const browser = await launch(name);
      try {
        const { page, errors } = await openPage(browser, 'about:blank');
        const [long] = await writeTalks(page, mesh.url, [LONG, SHORT]);
        errors.length = 0;
        await page.goto(mesh.url);
        const open = (title: string) => page.getByRole('link', { name: title, exact: true }).click();
        await open(LONG.title);
        await expect(rows(page).last()).toBeInViewport();
        expect(await rows(page).count()).toBeLessThan(40);
        await expect(rows(page).last()).toHaveAttribute('aria-posinset', String(2 * LONG.answers));
        await expect(rows(page).last()).toHaveAttribute('aria-setsize', String(2 * LONG.answers));

        await test.step('what is seen does not jump while rows above are drawn for the first time', async () => {
          for (let i = 0; i < 12; i++) expect(Math.abs((await scrollUp(page, 300)) - 300)).toBeLessThan(3);
        });

        await test.step('it is where it was left when one comes back', async () => {
          const seen = await log(page).evaluate((scroller) => {
            const top = scroller.getBoundingClientRect().top;
            const row = [...scroller.querySelectorAll<HTMLElement>('.row')].find(
              (one) => one.getBoundingClientRect().bottom > top,
            )!;
            return { row: row.dataset['row']!, px: row.getBoundingClientRect().top };
          });
          await open(SHORT.title);
          await expect(log(page).getByText('Answer 1.')).toBeInViewport();
          await open(LONG.title);
          const row = page.locator(`[data-row="${seen.row}"]`);
          await expect(row).toBeAttached();
          const back = () => row.evaluate((one) => one.getBoundingClientRect().top);
          await expect.poll(async () => Math.abs((await back()) - seen.px), { timeout: 20_000 }).toBeLessThan(3);
          await page.reload();
          await expect(row).toBeAttached();
          await expect.poll(async () => Math.abs((await back()) - seen.px), { timeout: 20_000 }).toBeLessThan(3);
        });

        await test.step('a selection and the focus stay, wherever one scrolls', async () => {
          const text = await log(page).evaluate((scroller) => {
            const paragraph = scroller.querySelector('.prose p')!;
            document.getSelection()!.selectAllChildren(paragraph);
            return paragraph.textContent;
          });
          await log(page).press('Home');
          await expect(log(page).getByText(long!.title)).toBeInViewport();
          expect(await page.evaluate(() => document.getSelection()!.toString().trim())).toBe(text.trim());
          await page.evaluate(() => document.getSelection()!.removeAllRanges());
          const copy = log(page).getByRole('button', { name: 'Copy answer' }).first();
          await copy.focus();
          await copy.press('End');
          await expect(rows(page).last()).toHaveAttribute('aria-posinset', String(2 * LONG.answers));
          await expect(rows(page).last()).toBeInViewport();
          expect(await page.evaluate(() => document.activeElement?.closest('.row') !== null)).toBe(true);
        });

        await test.step('Ctrl+F finds what is not drawn, and leads there', async () => {
          await page.keyboard.press('Control+f');
          const find = page.getByRole('searchbox', { name: 'Find in this conversation' });
          await expect(find).toBeFocused();
          await find.fill('answer 17.');
          await expect(page.getByRole('status', { name: 'Found' })).toHaveText('1 of 1 message');
          await expect(log(page).getByText('Answer 17.')).toBeInViewport();
          await find.fill('answer 1');
          await expect(page.getByRole('status', { name: 'Found' })).toHaveText('111 of 111 messages');
          await find.press('Enter');
          await expect(page.getByRole('status', { name: 'Found' })).toHaveText('110 of 111 messages');
          await expect(log(page).getByText('Answer 198.')).toBeInViewport();
          await find.press('Escape');
          await expect(find).toBeHidden();
        });

        await test.step('print has all of it', async () => {
          const printed = await page.evaluate(() => {
            dispatchEvent(new Event('beforeprint'));
            const drawn = document.querySelectorAll('.row').length;
            dispatchEvent(new Event('afterprint'));
            return drawn;
          });
          expect(printed).toBe(2 * LONG.answers);
          expect(await rows(page).count()).toBeLessThan(40);
        });

        await test.step('a question goes out with what the model has room for, and the page says from where on', async () => {
          tokensALetter = 0.25;
          await ask(page, 'And now?');
          await expect(log(page).getByText('The end.')).toBeInViewport({ timeout: 30_000 });
          const turns = volunteer.asked.at(-1)!;
          expect(turns.at(-1)).toEqual({ role: 'user', content: 'And now?' });
          expect(turns.length).toBeGreaterThan(1);
          expect(turns.length).toBeLessThan(30);
          await expect(page.getByRole('meter', { name: 'Model’s memory' })).toHaveAttribute(
            'aria-valuetext',
            /^About 1,\d00 of 2,048 tokens/,
          );
          const line = log(page).getByText('Messages above this line are no longer sent');
          for (let i = 0; i < 20 && !(await line.isVisible()); i++) await scrollUp(page, 400);
          const first = rows(page).filter({ has: page.getByText('Messages above this line are no longer sent') });
          // The line tells what the next question takes along, which is no more than this one did.
          const begins = await first.innerText();
          expect(turns.some(({ content }) => begins.includes(content))).toBe(true);
        });

        await test.step('where the volunteer finds it too long, it is asked again by itself with less', async () => {
          const asked = volunteer.asked.length;
          tokensALetter = 0.6;
          await ask(page, 'And then?');
          await expect(send(page)).toBeVisible({ timeout: 30_000 });
          await expect(log(page).getByText('The end.').last()).toBeInViewport({ timeout: 30_000 });
          const [refused, answered] = volunteer.asked.slice(asked);
          expect(answered!.length).toBeLessThan(refused!.length);
          await ask(page, 'x y '.repeat(3_000));
          await expect(log(page).getByText(/tokens, and the model holds 2,048 together with its answer/)).toBeVisible({
            timeout: 30_000,
          });
          await expect(log(page).getByRole('button', { name: 'Try again' })).toHaveCount(0);
          await log(page).getByRole('button', { name: 'Edit the question' }).click();
          await message(page).fill('');
        });

        await test.step('search finds it by a line, whatever its case and accents', async () => {
          const box = page.getByRole('searchbox', { name: 'Search conversations' });
          await box.fill('ÁNSWER 299.');
          const list = page.getByRole('complementary', { name: 'Conversations' });
          await expect(list.getByRole('listitem')).toHaveCount(1);
          await expect(list.getByRole('listitem')).toContainText('Answer 299.');
          await box.fill('nothing like it');
          await expect(list.getByText('No conversations match “nothing like it”.')).toBeVisible();
        });
        expect(errors).toEqual([]);
      } finally {
        await browser.close();
      }
    },
  );
}
