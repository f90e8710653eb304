/** The page as a person uses it: with eyes, with a keyboard, on a phone, without a network. */
import { appendFileSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type Browser, type BrowserContextOptions, type Locator, type Page } from '@playwright/test';
import { launch, openPage, type BrowserName } from '../src/browsers.ts';
import { answered, ask, lastAnswer, log, message, modelPicker, tinyIsOffered } from '../src/chat.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { freePort, ROOT, startProgram } from '../src/processes.ts';
import { known, plain } from '../src/questions.ts';

const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const PAGES: Record<string, (page: Page) => Promise<void>> = {
  '/': tinyIsOffered,
  '/donate': (page) => expect(page.getByRole('radio', { name: 'LLMesh tiny' })).toBeVisible({ timeout: 30_000 }),
  '/network': (page) => expect(page.getByRole('heading', { level: 1 })).toContainText('2 computers'),
};
/** More steps than any page has places for the focus. */
const MOST_TABS = 150;

let mesh: TestMesh;
let browser: Browser;
let folder: string;
test.beforeAll(async () => {
  mesh = await startMesh();
  browser = await launch('chromium');
  // A second model to choose: the tiny one's weights in another file. The mesh knows it by the file's name.
  folder = mkdtempSync(join(tmpdir(), 'llmesh-page-'));
  const second = join(folder, 'second.gguf');
  copyFileSync(join(ROOT, 'models/tiny/llmesh-tiny.gguf'), second);
  appendFileSync(second, '\0');
  await mesh.addWorker();
  await mesh.addWorker('--model', second, '--data', folder);
});
test.afterAll(async () => {
  await browser?.close();
  await mesh?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});
test.afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await page.goto(mesh.url + path);
  await PAGES[path]?.(page);
  return page;
}

/** Opens it without a click, which would move the place where Tab continues. */
async function unfold(page: Page): Promise<void> {
  await page.evaluate(() => document.querySelectorAll('details').forEach((one) => (one.open = true)));
}

/** Checks every look in one visit, which costs more than a look. `show`: opens what may close when the size changes. */
async function violations(page: Page, show = async () => {}): Promise<string[]> {
  const all: string[] = [];
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    await show();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      // New colours come with the next frame, on a busy computer over many more.
      await page.evaluate(async () => {
        await new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)));
        const turning = document.getAnimations().filter((one) => one instanceof CSSTransition);
        await Promise.allSettled(turning.map((one) => one.finished));
      });
      const { violations: found } = await new AxeBuilder({ page }).analyze();
      for (const { id, nodes } of found) {
        all.push(`${size}, ${colorScheme}, ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
      }
    }
  }
  return all;
}

for (const path of Object.keys(PAGES)) {
  test(`axe finds nothing to complain of at ${path}, on desktop and phone, in light and dark`, async () => {
    const page = await open(path);
    await unfold(page);
    expect(await violations(page), path).toEqual([]);
    if (path !== '/') return;
    const openPicker = async () => {
      await modelPicker(page).press('Escape');
      await expect(page.getByRole('option')).toHaveCount(0);
      await modelPicker(page).click();
      await expect(page.getByRole('option')).toHaveCount(2);
    };
    expect(await violations(page, openPicker), 'the open picker').toEqual([]);
    await expect(page.getByRole('option')).toHaveCount(2);
    await modelPicker(page).press('Escape');
    await ask(page, plain[0]?.question ?? '');
    await answered(page);
    expect(await violations(page), 'an answer').toEqual([]);
  });
}

test('nothing scrolls sideways on a phone, and nothing is cut off at its edge', async () => {
  const sideways = (page: Page) =>
    page.evaluate(() => {
      scrollTo(10_000, 0);
      const wide = [document.documentElement, document.body].filter((one) => one.scrollWidth > innerWidth);
      const texts = [...document.querySelectorAll<HTMLElement>('h1, h2, p, button, a, input, textarea, dd, dt')];
      const cut = texts.filter((one) => {
        const { left, right, width } = one.getBoundingClientRect();
        return (
          one.checkVisibility() && width > 1 && (left < 0 || right > innerWidth) && !one.closest('pre, .skip, .talks')
        );
      });
      return [...wide, ...cut].map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`);
    });
  for (const path of Object.keys(PAGES)) {
    const page = await open(path, { viewport: SIZES.phone });
    await unfold(page);
    expect(await sideways(page), path).toEqual([]);
    if (path !== '/') continue;
    const code = known.find(({ answer }) => answer.includes('```')) ?? known[0];
    await ask(page, code?.question ?? '');
    await answered(page);
    expect(await sideways(page), 'an answer').toEqual([]);
  }
});

/** Presses Tab until this has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let i = 0; i < MOST_TABS; i++) {
    await page.keyboard.press('Tab');
    if (await target.evaluate((one) => one === document.activeElement)) return;
  }
  throw new Error('Tab does not lead there');
}

for (const [size, viewport] of Object.entries(SIZES)) {
  test(`Tab leads to everything that can be pressed, ${size}`, async () => {
    for (const path of Object.keys(PAGES)) {
      const page = await open(path, { viewport });
      await unfold(page);
      const reached = await page.evaluateHandle(() => {
        const set = new Set<EventTarget | null>();
        document.addEventListener('focusin', ({ target }) => set.add(target));
        return set;
      });
      for (let i = 0; i < MOST_TABS; i++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate(() => document.activeElement === document.body)) break;
      }
      expect(await reached.evaluate((set) => set.size), path).toBeGreaterThan(5);
      const missed = await reached.evaluate((set) =>
        [...document.querySelectorAll<HTMLElement>('a[href], button, input, textarea, select, summary, [tabindex="0"]')]
          // Tab reaches one radio button of a group, and the arrows reach the others.
          .filter((one) => !(one instanceof HTMLInputElement && one.type === 'radio' && !one.checked))
          .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('[inert]'))
          .filter((one) => !one.matches(':disabled') && !set.has(one))
          .map((one) => one.outerHTML.slice(0, 120)),
      );
      expect(missed, path).toEqual([]);
    }
  });
}

test('a keyboard is enough: skip link, places, model, question', async () => {
  const page = await open('/', { viewport: SIZES.desktop });
  const skip = page.getByRole('link', { name: 'Skip to the page' });
  await page.keyboard.press('Tab');
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.closest('main')?.id)).toBe('main');

  for (const [name, heading] of [
    ['Donate', 'Lend this computer.'],
    ['Network', /2 computers/],
    ['Chat', /Borrow a computer/],
  ] as const) {
    await tabTo(page, page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name, exact: true }));
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: heading })).toBeFocused({ timeout: 15_000 });
  }

  const picker = modelPicker(page);
  await tabTo(page, picker);
  await expect(picker).toHaveAttribute('aria-expanded', 'false');
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('listbox', { name: 'Models' })).toBeVisible();
  const options = page.getByRole('option');
  await expect(options).toHaveCount(2);
  // Which of the two is chosen at first depends on who has delivered before.
  const [first = '', second = ''] = await options.evaluateAll((all) => all.map(({ id }) => id));
  const chosen = page.locator('[role="option"][aria-selected="true"]');
  const chosenId = (await chosen.getAttribute('id')) ?? '';
  await expect(picker).toHaveAttribute('aria-activedescendant', chosenId);
  await page.keyboard.press('Home');
  await expect(picker).toHaveAttribute('aria-activedescendant', first);
  await page.keyboard.press('ArrowDown');
  await expect(picker).toHaveAttribute('aria-activedescendant', second);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('listbox', { name: 'Models' })).toBeHidden();
  await expect(picker).toBeFocused();
  await expect(page.locator(`#${chosenId}`)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await expect(page.locator(`#${second}`)).toHaveAttribute('aria-selected', 'true');
  await expect(picker).toHaveAttribute('aria-expanded', 'false');

  await tabTo(page, message(page));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status', { name: 'Hint' })).toHaveText('Write a question first.');
  await page.keyboard.type('Hello');
  await page.keyboard.press('Shift+Enter');
  await expect(message(page)).toHaveValue('Hello\n');
  await page.keyboard.press('Control+a');
  await page.keyboard.type(plain[0]?.question ?? '');
  await page.keyboard.press('Enter');
  await expect(await answered(page)).toContainText(plain[0]?.answer ?? '');
  await expect(message(page)).toBeFocused();
  await expect(message(page)).toHaveValue('');
});

test('after the first visit the page is there without its server, says so, and continues when it is back', async () => {
  const port = await freePort();
  const start = () => startProgram('signaling/src/main.ts', ['--port', String(port)]);
  let server = await start();
  try {
    const url = `http://localhost:${port}`;
    const context = await browser.newContext({ serviceWorkers: 'allow' });
    const page = await context.newPage();
    const broken: string[] = [];
    page.on('pageerror', (error) => broken.push(error.message));
    await page.goto(url);
    await expect(page.getByRole('heading', { name: 'No volunteer is offering a model right now' })).toBeVisible();
    // "Active" means that the whole shell is cached.
    await page.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready;
      while (active?.state !== 'activated') {
        await new Promise((resolve) => active?.addEventListener('statechange', resolve, { once: true }));
      }
    });
    await server.stop();
    await expect(fetch(url)).rejects.toThrow();

    await page.goto(`${url}/network`);
    await expect(page.getByText('The mesh does not answer. The page keeps asking.')).toBeVisible();
    await page.goto(`${url}/donate`);
    // The list of models was cached, too.
    await expect(page.getByRole('radio', { name: 'LLMesh tiny' })).toBeVisible({ timeout: 30_000 });
    await page.goto(url);
    await expect(page.getByRole('heading', { name: /Borrow a computer/ })).toBeVisible();
    await expect(page.getByText('Can’t reach the mesh yet. Retrying automatically.')).toBeVisible();
    await expect(modelPicker(page)).toContainText('connecting');
    // What threads need, and what keeps the page strict, must not get lost with the server.
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await ask(page, plain[0]?.question ?? '');
    await expect(lastAnswer(page)).toContainText('Your message is saved.');

    server = await start();
    await expect(modelPicker(page)).toContainText('nobody lends one now', { timeout: 40_000 });
    expect(broken).toEqual([]);
  } finally {
    await server.stop();
  }
});

for (const name of ['chromium', 'firefox'] as BrowserName[]) {
  test(`a visit in ${name} asks no other origin for anything, and breaks no rule of its CSP`, async () => {
    const visitor = await launch(name);
    try {
      const { page, errors } = await openPage(visitor, 'about:blank');
      const asked: string[] = [];
      page.context().on('request', (request) => asked.push(request.url()));
      page.on('websocket', (socket) => asked.push(socket.url()));
      await page.addInitScript(() => {
        addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
          reportError(new Error(`CSP: ${violatedDirective} ${blockedURI}`)),
        );
        // The browser does not report STUN and TURN among its requests.
        const connection: { setLocalDescription: (description?: RTCSessionDescriptionInit) => Promise<void> } =
          RTCPeerConnection.prototype;
        const set = connection.setLocalDescription;
        connection.setLocalDescription = function (this: RTCPeerConnection, description) {
          const servers = (this.getConfiguration().iceServers ?? []).flatMap(({ urls }) => urls);
          document.documentElement.dataset['dialled'] = `dialled ${servers.join(' ')}`;
          return set.call(this, description);
        };
      });
      await page.goto(mesh.url);
      await tinyIsOffered(page);
      await ask(page, plain[0]?.question ?? '');
      await answered(page);
      await expect(log(page).getByRole('article')).toHaveCount(2);
      await expect(page.locator('html')).toHaveAttribute('data-dialled', 'dialled ');
      const places = page.getByRole('navigation', { name: 'Places' });
      await places.getByRole('link', { name: 'Donate', exact: true }).click();
      await PAGES['/donate']?.(page);
      await page.getByRole('radio', { name: 'LLMesh tiny' }).check();
      await page.getByRole('button', { name: 'Start donating' }).click();
      await expect(page.getByRole('status', { name: 'Provider status' })).toContainText('Ready. No requests', {
        timeout: 60_000,
      });
      await places.getByRole('link', { name: 'Network', exact: true }).click();
      await expect(page.getByRole('heading', { level: 1 })).toContainText('3 computers');
      const host = new URL(mesh.url).host;
      const elsewhere = asked.filter((url) => !/^(?:data|blob|about):/.test(url) && new URL(url).host !== host);
      expect(elsewhere).toEqual([]);
      // The watch works: the requests to our own origin are among them.
      expect(asked).toContain(`${mesh.url}/models/catalogue.json`);
      expect(errors).toEqual([]);
    } finally {
      await visitor.close();
    }
  });
}
