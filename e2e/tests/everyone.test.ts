/** The page for everyone: small windows, large letters, forced colours, paper, axe, and where Tab leads. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { isWide, wide, type BrowserName } from '../src/browsers.ts';
import { answered, ask, lastAnswer, log, message, modelPicker, stop, tinyIsOffered } from '../src/chat.ts';
import { MOST_TABS } from '../src/keys.ts';
import { covered, shown, sideways, SIZES } from '../src/looks.ts';
import { known, longest, plain } from '../src/questions.ts';
import { onCommonMesh as test, type Visit } from '../src/visit.ts';

const LEVEL = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const withCode = known.find(({ answer }) => answer.includes('```')) ?? known[0];
const PAGES: Record<string, (page: Page) => Promise<void>> = {
  '/': tinyIsOffered,
  '/donate': (page) => expect(page.getByRole('radio', { name: 'LLMesh tiny' })).toBeVisible({ timeout: 30_000 }),
  '/network': (page) => expect(page.getByRole('heading', { level: 1 })).toContainText('1 computer'),
  '/models': (page) =>
    expect(page.getByRole('region', { name: 'All models' })).toContainText('One volunteer lends it', {
      timeout: 30_000,
    }),
  '/credits': (page) => expect(page.getByRole('heading', { name: 'What happened' })).toBeVisible({ timeout: 30_000 }),
  '/votes': (page) => expect(page.getByRole('heading', { name: 'The rules now' })).toBeVisible({ timeout: 30_000 }),
};

/** The page at this path, once it shows what it is about. */
async function open(
  visitIn: (name: BrowserName, path: string) => Promise<Visit>,
  name: BrowserName,
  path: string,
): Promise<Page> {
  const { page } = await visitIn(name, path);
  await PAGES[path]?.(page);
  return page;
}

/** A talk with words, code and a link. */
async function talk(page: Page): Promise<void> {
  for (const one of [plain[0], withCode]) {
    await ask(page, one?.question ?? '');
    await answered(page);
  }
}

/** How much of the window shows the conversation, in hundredths. */
const share = (page: Page) =>
  log(page).evaluate((box) => {
    box.scrollIntoView({ block: 'nearest' });
    const { top, bottom } = box.getBoundingClientRect();
    return Math.round((100 * (Math.min(bottom, innerHeight) - Math.max(top, 0))) / innerHeight);
  });

for (const name of ['chromium', 'firefox'] as const) {
  test(
    `everything is in its place at every size, and with large letters, in ${name}`,
    { tag: wide(name) },
    async ({ mesh, visitIn }) => {
      test.setTimeout(180_000);
      const page = await open(visitIn, name, '/');
      const all: string[] = [];
      const check = async (what: string, found: string[]) => all.push(...found.map((one) => `${what}: ${one}`));
      for (const [size, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport);
        await check(`${size}, empty`, await sideways(page));
      }
      await talk(page);
      for (const [size, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport);
        await shown(page);
        await check(size, await sideways(page));
        await check(`${size}, covered`, await covered(page, '.composer button, .composer textarea, .rail a'));
        await message(page).fill('A long draft. '.repeat(60));
        await check(`${size}, a long draft`, await covered(page, '.composer__send'));
        expect(await share(page), `${size}, a long draft`).toBeGreaterThanOrEqual(40);
        await message(page).fill('');
        expect(await share(page), size).toBeGreaterThanOrEqual(40);
      }
      // Twice as large, as in the settings of a browser.
      await page.evaluate(() => void (document.documentElement.style.fontSize = '200%'));
      for (const size of ['desktop', 'phone', 'landscape'] as const) {
        await page.setViewportSize(SIZES[size]);
        await shown(page);
        await check(`${size}, large letters`, await sideways(page));
        await check(`${size}, large letters, covered`, await covered(page, '.composer button, .composer textarea'));
        expect(await share(page), `${size}, large letters`).toBeGreaterThanOrEqual(40);
      }
      for (const path of ['/donate', '/network', '/models'] as const) {
        await page.goto(mesh.url + path);
        await PAGES[path]?.(page);
        await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
        for (const [size, viewport] of Object.entries(SIZES)) {
          await page.setViewportSize(viewport);
          await check(`${path}, ${size}`, await sideways(page));
        }
      }
      expect(all).toEqual([]);
    },
  );
}

test(
  'what is chosen shows in forced colours, and paper gets the conversation alone',
  { tag: '@wide' },
  async ({ visitIn }) => {
    const page = await open(visitIn, 'chromium', '/');
    await page.emulateMedia({ forcedColors: 'active' });
    /** How each of these looks that the system's colours leave to a page. */
    const looks = (selector: string) =>
      page.locator(selector).evaluateAll((all) =>
        all.map((one) => {
          const { backgroundColor, borderColor, borderWidth } = getComputedStyle(one);
          return `${backgroundColor} ${borderColor} ${borderWidth}`;
        }),
      );
    const differs = async (chosen: string, other: string) => {
      const [[one], others] = [await looks(chosen), await looks(other)];
      expect(one, chosen).toBeDefined();
      expect(others, other).not.toEqual([]);
      expect(others, chosen).not.toContain(one);
    };
    expect(await page.locator('.pick__tick svg:visible').count()).toBe(1);
    await differs('.scope label:has(:checked)', '.scope label:not(:has(:checked))');
    await differs('.place[aria-current] .place__bead', '.place:not([aria-current]) .place__bead');
    await talk(page);
    await page.getByRole('button', { name: 'New conversation' }).first().click();
    await ask(page, plain[1]?.question ?? '');
    await answered(page);
    await differs('.talk[aria-current]', '.talk:not([aria-current])');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('switch', { name: 'Fast mode' }).check();
    await differs('[role="switch"]:checked', '[role="switch"]:not(:checked)');
    await page.getByRole('switch', { name: 'Fast mode' }).uncheck();
    await page.getByRole('button', { name: 'Close' }).click();

    await page.emulateMedia({ forcedColors: 'none', media: 'print' });
    await expect(page.getByRole('navigation')).toBeHidden();
    await expect(page.getByRole('complementary')).toBeHidden();
    await expect(message(page)).toBeHidden();
    await expect(page.getByRole('button').filter({ visible: true })).toHaveCount(0);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.getByText(String(new Date().getFullYear()))).toBeVisible();
    await expect(lastAnswer(page)).toContainText('LLMesh tiny');
    expect(await log(page).evaluate((box) => [getComputedStyle(box).overflowY, box.scrollTop])).toEqual(['visible', 0]);
  },
);

/** On one of these sizes in one of the colours, and the other way round: what is wrong in one of the four is wrong in one of the two. */
const LOOKS = [
  { size: 'phone', colorScheme: 'dark' },
  { size: 'desktop', colorScheme: 'light' },
] as const;
/** `npm test` looks at a talk in both, and at all else in the first. */
const FEW_LOOKS = isWide ? LOOKS : LOOKS.slice(0, 1);

/** Checks the state that the page is in. `show`: opens what may close when the size changes. */
async function violations(page: Page, what: string, show = async () => {}, looks = FEW_LOOKS): Promise<string[]> {
  const all: string[] = [];
  for (const { size, colorScheme } of looks) {
    await page.setViewportSize(SIZES[size]);
    await page.emulateMedia({ colorScheme });
    await show();
    await shown(page);
    const { violations: found } = await new AxeBuilder({ page }).withTags(LEVEL).analyze();
    for (const { id, nodes } of found)
      all.push(`${what}, ${size}, ${colorScheme}, ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
  }
  return all;
}

/** The other two looks, for `WIDE=1`: only colours can be different in them. */
async function paleness(page: Page, what: string): Promise<string[]> {
  const all: string[] = [];
  const others = [
    ['desktop', 'dark'],
    ['phone', 'light'],
  ] as const;
  for (const [size, colorScheme] of isWide ? others : []) {
    await page.setViewportSize(SIZES[size]);
    await page.emulateMedia({ colorScheme });
    await shown(page);
    const { violations: found } = await new AxeBuilder({ page }).withRules(['color-contrast']).analyze();
    all.push(...found.flatMap(({ nodes }) => nodes.map(({ html }) => `${what}, ${size}, ${colorScheme}: ${html}`)));
  }
  return all;
}

test('axe finds nothing to complain of at WCAG 2.2 AA in any state of a chat', async ({ visitIn }) => {
  test.setTimeout(300_000);
  const page = await open(visitIn, 'chromium', '/');
  const all = isWide ? await violations(page, 'empty') : [];
  await modelPicker(page).click();
  const picker = page.getByRole('listbox', { name: 'Models' });
  const openPicker = async () => {
    if (!(await picker.isVisible())) await modelPicker(page).click();
  };
  all.push(...(await violations(page, 'the open picker', openPicker)));
  await modelPicker(page).press('Escape');

  await page.setViewportSize(SIZES.phone);
  await page.getByRole('button', { name: /^Who can answer/ }).click();
  await shown(page);
  const choice = await new AxeBuilder({ page }).withTags(LEVEL).analyze();
  all.push(...choice.violations.map(({ id }) => `who can answer: ${id}`));
  await page.keyboard.press('Escape');

  await talk(page);
  all.push(...(await violations(page, 'a talk', undefined, LOOKS)), ...(await paleness(page, 'a talk')));
  await page.setViewportSize(SIZES.phone);
  await page.getByRole('button', { name: 'Conversations' }).click();
  await shown(page);
  const drawer = await new AxeBuilder({ page }).withTags(LEVEL).analyze();
  all.push(...drawer.violations.map(({ id }) => `the drawer: ${id}`));
  await page.keyboard.press('Escape');

  await ask(page, longest.question);
  await expect(lastAnswer(page)).toContainText(longest.answer.slice(0, 12), { timeout: 20_000 });
  const writing = await new AxeBuilder({ page }).withTags(LEVEL).analyze();
  all.push(...writing.violations.map(({ id }) => `while it is written: ${id}`));
  await stop(page)
    .or(page.getByRole('button', { name: 'Send' }))
    .click();
  await ask(page, 'word '.repeat(20_000));
  await expect(lastAnswer(page)).toContainText(/the model holds/, { timeout: 20_000 });
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
  all.push(...(await violations(page, 'a failure')), ...(await paleness(page, 'a failure')));
  await page.getByRole('button', { name: 'Conversations' }).click();
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Clear history' }).click();
  all.push(...(await violations(page, 'the settings')), ...(await paleness(page, 'the settings')));
  expect(all).toEqual([]);
});

test('axe finds nothing to complain of at WCAG 2.2 AA on the other pages', async ({ mesh, visitIn }) => {
  test.setTimeout(300_000);
  const page = await open(visitIn, 'chromium', '/donate');
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
  const all = [...(await violations(page, 'donate')), ...(await paleness(page, 'donate'))];
  await page.getByRole('button', { name: 'Start donating' }).click();
  await expect(page.getByRole('button', { name: 'Stop donating' })).toBeFocused();
  all.push(...(await violations(page, 'donating')));
  await page.goto(`${mesh.url}/network`);
  await PAGES['/network']?.(page);
  all.push(...(await violations(page, 'network')), ...(await paleness(page, 'network')));
  await page.getByText('Why is a model not served?').click();
  all.push(...(await violations(page, 'what nobody lends')));
  await page.goto(`${mesh.url}/models`);
  await PAGES['/models']?.(page);
  all.push(...(await violations(page, 'models')), ...(await paleness(page, 'models')));
  expect(all).toEqual([]);
});

const TABBED = { desktop: SIZES.desktop, phone: SIZES.phone, zoom: SIZES.zoom };

/** Presses Tab from the top of the page to its end; says what it left out, and where something lay on what had the focus. */
async function tabThrough(page: Page): Promise<{ reached: number; hidden: string[]; missed: string[] }> {
  const reached = await page.evaluateHandle(() => {
    const set = new Set<EventTarget | null>();
    document.addEventListener('focusin', ({ target }) => set.add(target));
    return set;
  });
  const hidden: string[] = [];
  for (let i = 0; i < MOST_TABS; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const one = document.activeElement;
      if (one === null || one === document.body) return 'the end';
      const { left, right, top, bottom } = one.getBoundingClientRect();
      const [x, y] = [(left + right) / 2, (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2];
      const hit = document.elementFromPoint(x, y);
      const inSight = hit !== null && (one.contains(hit) || hit.contains(one) || one.closest('label') !== null);
      return inSight ? '' : `${one.outerHTML.slice(0, 120)} under ${hit?.outerHTML.slice(0, 120)} at ${x},${y}`;
    });
    if (at === 'the end') break;
    if (at !== '') hidden.push(at);
  }
  const missed = await reached.evaluate((set) =>
    [...document.querySelectorAll<HTMLElement>('a[href], button, input, textarea, select, summary, [tabindex="0"]')]
      // Tab reaches one radio button of a group, and the arrows reach the others.
      .filter((one) => !(one instanceof HTMLInputElement && one.type === 'radio' && !one.checked))
      .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('[inert]'))
      .filter((one) => !one.matches(':disabled') && !set.has(one))
      .map((one) => one.outerHTML.slice(0, 120)),
  );
  return { reached: await reached.evaluate((set) => set.size), hidden, missed };
}

test(
  'Tab leads to everything that can be pressed, and nothing lies on what has the focus, at every size',
  { tag: '@wide' },
  async ({ visitIn }) => {
    test.setTimeout(180_000);
    for (const path of Object.keys(PAGES)) {
      const page = await open(visitIn, 'chromium', path);
      for (const [size, viewport] of Object.entries(TABBED)) {
        await page.setViewportSize(viewport);
        await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
        const { reached, hidden, missed } = await tabThrough(page);
        expect({ hidden, missed }, `${path}, ${size}`).toEqual({ hidden: [], missed: [] });
        expect(reached, `${path}, ${size}`).toBeGreaterThan(5);
      }
      await page.context().close();
    }
  },
);
