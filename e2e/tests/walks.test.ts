/** Everything that the page is for, by keys alone, and as a screen reader reads it, in both browsers and at every size. */
import { expect, type Locator, type Page } from '@playwright/test';
import { isWide, wide } from '../src/browsers.ts';
import { answered, lastAnswer, log, message, send, stop, tinyIsOffered } from '../src/chat.ts';
import { tabTo } from '../src/keys.ts';
import { SIZES } from '../src/looks.ts';
import { longest, plain } from '../src/questions.ts';
import { onCommonMesh as test } from '../src/visit.ts';

/** A page with room for everything, and one that folds: `npm test` walks through no others. */
const FEW = { desktop: SIZES.desktop, phone: SIZES.phone };
const WALKED = isWide ? { ...FEW, landscape: SIZES.landscape, small: SIZES.small } : FEW;
const short = plain.reduce((a, b) => (b.answer.length < a.answer.length ? b : a));

test.describe.configure({ timeout: 300_000 });

const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: typeof name === 'string' });
const talks = (page: Page) => page.getByRole('complementary', { name: 'Conversations' });

/** By keys, wherever it is. */
async function press(page: Page, target: Locator, key = 'Enter'): Promise<void> {
  await tabTo(page, target);
  await page.keyboard.press(key);
}

/** Writes, stops, continues, stops, and asks again. */
async function askByKeys(page: Page): Promise<void> {
  await tabTo(page, message(page));
  await page.keyboard.type(longest.question);
  await page.keyboard.press('Enter');
  await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12));
  await page.keyboard.press('Escape');
  await expect(lastAnswer(page)).toContainText('You stopped here');
  await expect(message(page)).toBeFocused();
  await press(page, lastAnswer(page).getByRole('button', { name: 'Continue' }));
  await expect(message(page)).toBeFocused();
  await press(page, stop(page));
  await expect(lastAnswer(page)).toContainText('You stopped here');
  await expect(message(page)).toBeFocused();
  await page.keyboard.type(short.question);
  await page.keyboard.press('Enter');
  // What the demo says in the middle of a conversation is its own affair.
  await answered(page);
}

/** Chooses who can answer, there and back. */
async function chooseByKeys(page: Page): Promise<void> {
  const folded = button(page, /^Who can answer/);
  const narrow = await folded.isVisible();
  const radio = (name: string) => page.getByRole('radio', { name, exact: true });
  if (narrow) await press(page, folded);
  await tabTo(page, radio('Anyone'));
  await page.keyboard.press('ArrowUp');
  await expect(radio('Volunteers I trust')).toBeChecked();
  await page.keyboard.press('ArrowDown');
  await expect(radio('Anyone')).toBeChecked();
  if (!narrow) return;
  await page.keyboard.press('Escape');
  await expect(folded).toBeFocused();
  await expect(folded).toHaveAccessibleName('Who can answer: Anyone');
}

/** Settings, and a conversation that is deleted and brought back. */
async function keepByKeys(page: Page): Promise<void> {
  const menu = button(page, 'Conversations');
  const drawer = await menu.isVisible();
  if (drawer) await press(page, menu);
  await press(page, talks(page).getByRole('button', { name: 'Settings' }));
  const hide = page.getByRole('switch', { name: 'Fast mode' });
  await press(page, hide, 'Space');
  await expect(hide).toBeChecked();
  await page.keyboard.press('Space');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(talks(page).getByRole('button', { name: 'Settings' })).toBeFocused();
  await press(page, talks(page).getByRole('button', { name: /^Delete/ }));
  await expect(talks(page).getByRole('button', { name: 'Undo' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(talks(page).locator('[aria-current]')).toBeFocused();
  if (!drawer) return;
  await page.keyboard.press('Escape');
  await expect(menu).toBeFocused();
}

/** Lends this computer and takes it back, and looks who is here. */
async function goByKeys(page: Page): Promise<void> {
  const place = (name: string) =>
    page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name, exact: true });
  await press(page, place('Donate'));
  await expect(page.getByRole('radio', { name: 'LLMesh tiny' })).toBeVisible({ timeout: 30_000 });
  await press(page, button(page, 'Start donating'));
  await expect(button(page, 'Stop donating')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(button(page, 'Start donating')).toBeFocused();
  await press(page, place('Network'));
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused({ timeout: 15_000 });
  await expect(page.getByRole('region', { name: 'Computers online' }).getByRole('row')).not.toHaveCount(0);
  await press(page, place('Chat'));
  await expect(page.getByRole('heading', { level: 1 })).toBeFocused();
}

/** The levels of all headings in order: one of the first, and none that leaves one out. */
async function headings(page: Page): Promise<void> {
  const levels = await page.getByRole('heading').evaluateAll((all) => all.map(({ tagName }) => Number(tagName[1])));
  expect(levels.filter((level) => level === 1)).toHaveLength(1);
  const leaps = levels.filter((level, i) => i > 0 && level > Math.max(levels[i - 1] ?? 1, 1) + 1);
  expect(leaps, levels.join(' ')).toEqual([]);
}

for (const name of ['chromium', 'firefox'] as const) {
  test(`all that the page is for is done by keys alone, in ${name}`, { tag: wide(name) }, async ({ visitIn }) => {
    const { page, errors } = await visitIn(name);
    await tinyIsOffered(page);
    for (const viewport of Object.values(WALKED)) {
      await page.setViewportSize(viewport);
      await askByKeys(page);
      await chooseByKeys(page);
      await keepByKeys(page);
    }
    await goByKeys(page);
    expect(errors).toEqual([]);
  });

  test(
    `a screen reader is told what there is and what happens, and no more, in ${name}`,
    { tag: wide(name) },
    async ({ mesh, visitIn }) => {
      const { page } = await visitIn(name);
      await tinyIsOffered(page);
      await headings(page);
      await page.evaluate(() => {
        const news = document.querySelector('[role="status"][aria-label="News"]')!;
        const said: string[] = [];
        new MutationObserver(() => said.push(news.textContent.trim())).observe(news, {
          characterData: true,
          childList: true,
          subtree: true,
        });
        Object.assign(window, { said });
      });
      await message(page).fill(short.question);
      await send(page).click();
      await answered(page);
      await expect(page.locator('body')).toMatchAriaSnapshot(`
      - link "Skip to the page"
      - navigation "Places":
        - link "LLMesh, start page"
        - link "Chat"
        - link "Donate"
        - link "Network"
    `);
      await expect(page.getByRole('main')).toMatchAriaSnapshot(`
      - heading [level=1]
      - combobox "Model"
      - log "Conversation":
        - list "Messages":
          - listitem:
            - article "You"
          - listitem:
            - article /Answer from .+/:
              - paragraph:
                - button "Copy answer"
                - button /Trust .+/
                - button "Try again"
      - form "Write":
        - textbox "Message"
        - group "Who can answer":
          - radio "Anyone" [checked]
        - button "Send"
    `);
      await headings(page);
      // Who was asked, and that it is complete: not every word as it comes.
      const said = await page.evaluate(() => (window as unknown as { said: string[] }).said);
      expect(said.at(-1)).toMatch(/^Answer from .+, complete\.$/);
      expect(new Set(said).size).toBeLessThan(4);
      await expect(log(page)).toHaveAttribute('aria-live', 'off');
      await expect(message(page)).toHaveAccessibleDescription(/The server can’t read it/);
      await expect(
        page.getByRole('group', { name: 'Who can answer' }).or(button(page, /^Who can answer/)),
      ).toBeVisible();
      for (const path of ['/donate', '/network']) {
        await page.goto(mesh.url + path);
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
        await headings(page);
        await expect(page.getByRole('main')).toHaveCount(1);
      }
    },
  );
}
