/** What a volunteer's model may write, in the page of who asked: shown as it is meant, and never at the page's expense. */
import { expect, type Page } from '@playwright/test';
import { isWide, openPage, type Browsers, type BrowserName } from '../src/browsers.ts';
import { answered, ask, lastAnswer, log, modelPicker } from '../src/chat.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { openScriptedVolunteer, type ScriptedVolunteer } from '../src/scripted-volunteer.ts';
import { test } from '../src/visit.ts';

/** A token may have so much. */
const TOKEN_CHARS = 400;

const EVERYTHING = `Steps:
1. Install:

   \`\`\`bash
   npm i
   \`\`\`
> \`\`\`js
> let a = "\u202e قيمة"; // ${'long '.repeat(60)}
> \`\`\`

So \\(A = \\pi r^2\\), but $5 and $10. [Your bank: bank.example](https://evil.example/?d=${'x'.repeat(100)})

$$
\\sum_{n=1}^{9} ${'x_n + '.repeat(60)} 1
$$

مرحبا بالعالم؟

- عنصر

\`${'a'.repeat(2_000)}\`

| a | b |
|---|---|
| ${'wide'.repeat(60)} | 2 |
`;
const fill = (part: string, chars: number) => part.repeat(Math.ceil(chars / part.length)).slice(0, chars);
const HOSTILE: Record<string, string> = {
  'one word': fill('x', 120_000),
  quotations: fill('>', 3_000),
  lists: fill('- ', 4_000),
  backticks: fill('`', 10_000),
  brackets: fill('[', 20_000),
  emphasis: fill('*_', 20_000),
  newlines: fill('\n', 100_000),
  lines: fill('a\n', 40_000),
  code: `\`\`\`js\n${fill('f("{`");\n', 100_000)}`,
  table: `|a|b|\n|-|-|\n${fill('|**x**|`y`|\n', 40_000)}`,
  marks: fill('\u0301', 40_000),
};
const THOUGHTS = '<think>\n1. one\n2. two\n</think>\n\nSaid.';

let mesh: TestMesh;
let volunteer: ScriptedVolunteer;
test.beforeAll(async () => {
  mesh = await startMesh();
  const answers = new Map([['Everything', EVERYTHING], ['Think', THOUGHTS], ...Object.entries(HOSTILE)]);
  volunteer = await openScriptedVolunteer(mesh.url, {
    name: 'Scripted',
    contextTokens: 32_000,
    speed: 150,
    answer: (turns) => {
      const text = answers.get(String(turns.at(-1)?.content)) ?? 'What?';
      return { words: text.match(new RegExp(`[^]{1,${TOKEN_CHARS}}`, 'gu')) ?? [], promptTokens: 3 };
    },
  });
});
test.afterAll(async () => {
  await volunteer?.close();
  await mesh?.stop();
});

async function opened(browsers: Browsers, name: BrowserName) {
  const visit = await openPage(await browsers.get(name), mesh.url);
  await expect(modelPicker(visit.page)).toContainText('Scripted', { timeout: 30_000 });
  return visit;
}

/** Pixels by which the page, or the conversation in it, scrolls sideways. */
const sideways = (page: Page) =>
  log(page).evaluate((box) => box.scrollWidth - box.clientWidth + document.documentElement.scrollWidth - innerWidth);

for (const name of ['chromium', 'firefox'] as const) {
  test(
    `code, formulas, links, tables and any direction of writing are shown in ${name}`,
    { tag: '@wide' },
    async ({ commonBrowsers }) => {
      test.setTimeout(180_000);
      const { page, errors } = await opened(commonBrowsers, name);
      await page.setViewportSize({ width: 390, height: 844 });
      await ask(page, 'Everything');
      const answer = await answered(page);
      await expect(answer.getByRole('button', { name: 'Copy code' })).toHaveCount(2);
      await expect(answer.getByRole('group', { name: 'Code, bash' })).toHaveText('npm i');
      await expect(answer.getByRole('group', { name: 'Code, js' })).toContainText('U+202E');
      await expect(answer.locator('math')).toHaveCount(2);
      await expect(answer).toContainText('but $5 and $10');
      await expect(answer.getByRole('link', { name: /Your bank/ })).toContainText(
        'opens evil.example with 104 characters',
      );
      expect(await answer.locator('p', { hasText: 'مرحبا' }).evaluate((line) => getComputedStyle(line).direction)).toBe(
        'rtl',
      );
      expect(await sideways(page)).toBe(0);
      // What is wide is reached by keys.
      for (const group of ['Code, js', 'Formula', 'Table']) {
        const box = answer.getByRole('group', { name: group });
        await box.focus();
        await page.keyboard.press('ArrowRight');
        await expect.poll(() => box.evaluate((element) => element.scrollLeft)).toBeGreaterThan(0);
      }

      await ask(page, 'Think');
      const thoughtful = await answered(page);
      await expect(thoughtful).toContainText('Said.');
      await thoughtful.getByText(/^Thought for/).click();
      await expect(thoughtful.getByRole('listitem')).toHaveText(['one', 'two']);
      await ask(page, 'Everything');
      await answered(page);
      expect(JSON.stringify(volunteer.asked.at(-1))).not.toContain('think>');
      expect(errors).toEqual([]);
      await page.context().close();
    },
  );
}

test('no text that a volunteer sends stops the page', { tag: '@wide' }, async ({ commonBrowsers }) => {
  test.setTimeout(240_000);
  const { page, errors } = await opened(commonBrowsers, 'chromium');
  await page.evaluate(() => {
    const found: number[] = [];
    new PerformanceObserver((list) => found.push(...list.getEntries().map(({ duration }) => duration))).observe({
      type: 'longtask',
    });
    Object.assign(globalThis, { found });
  });
  const longestTask = async (name: string) => {
    await page.getByRole('button', { name: 'New conversation' }).first().click();
    await ask(page, name);
    await expect(lastAnswer(page)).toContainText(/first\sword/, { timeout: 60_000 });
    const tasks = await page.evaluate(() => (globalThis as unknown as { found: number[] }).found.splice(0));
    return Math.round(Math.max(0, ...tasks));
  };
  // Loads all that is loaded when it is first needed. What it takes afterwards says how fast this machine is just now.
  await longestTask('Everything');
  const usualMs = await longestTask('Everything');
  const few = isWide ? null : new Set(['one word', 'quotations', 'code', 'table']);
  for (const [name, text] of Object.entries(HOSTILE).filter(([one]) => few?.has(one) ?? true)) {
    const ms = await longestTask(name);
    process.stdout.write(`${name}: ${text.length} characters, longest task ${ms} ms (usual: ${usualMs} ms)\n`);
    expect(ms, name).toBeLessThan(Math.max(100, 3 * usualMs));
  }
  expect(errors).toEqual([]);
  await page.context().close();
});
