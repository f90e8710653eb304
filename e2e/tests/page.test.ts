/** The page as a person uses it: with a keyboard, without a network, and asking nobody else for anything. */
import { appendFileSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { openPage, wide, type BrowserName } from '../src/browsers.ts';
import { answered, ask, lastAnswer, log, message, modelPicker, tinyIsOffered } from '../src/chat.ts';
import { tabTo } from '../src/keys.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { freePort, ROOT, startProgram } from '../src/processes.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const PAGES: Record<string, (page: Page) => Promise<void>> = {
  '/': tinyIsOffered,
  '/donate': (page) => expect(page.getByRole('radio', { name: 'LLMesh tiny' })).toBeVisible({ timeout: 30_000 }),
  '/network': (page) => expect(page.getByRole('heading', { level: 1 })).toContainText('2 computers'),
};

let mesh: TestMesh;
let folder: string;
test.beforeAll(async () => {
  mesh = await startMesh();
  folder = mkdtempSync(join(tmpdir(), 'llmesh-page-'));
  await mesh.addWorker();
});
test.afterAll(async () => {
  await mesh?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});
/** A second model to choose: the tiny one's weights in another file. The mesh knows it by the file's name. */
function addSecondModel() {
  const second = join(folder, 'second.gguf');
  copyFileSync(join(ROOT, 'models/tiny/llmesh-tiny.gguf'), second);
  appendFileSync(second, '\0');
  return mesh.addWorker('--model', second, '--data', folder);
}

test('a keyboard is enough: skip link, places, model, question', { tag: '@wide' }, async ({ commonBrowsers }) => {
  const addedModel = await addSecondModel();
  const { page } = await openPage(await commonBrowsers.get('chromium'), mesh.url);
  await page.setViewportSize({ width: 1440, height: 900 });
  await tinyIsOffered(page);
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
  await page.context().close();
  await addedModel.stop();
});

test('after the first visit the page is there without its server, says so, and continues when it is back', async ({
  commonBrowsers,
}) => {
  const port = await freePort();
  const start = () => startProgram('signaling/src/main.ts', ['--port', String(port)]);
  let server = await start();
  try {
    const url = `http://localhost:${port}`;
    const context = await (await commonBrowsers.get('chromium')).newContext({ serviceWorkers: 'allow' });
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
    await context.close();
  } finally {
    await server.stop();
  }
});

for (const name of ['chromium', 'firefox'] as BrowserName[]) {
  test(
    `a visit in ${name} asks no other origin for anything, and breaks no rule of its CSP`,
    { tag: wide(name) },
    async ({ commonBrowsers }) => {
      test.setTimeout(180_000);
      const { page, errors } = await openPage(await commonBrowsers.get(name), 'about:blank');
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
        timeout: 120_000,
      });
      await places.getByRole('link', { name: 'Network', exact: true }).click();
      await expect(page.getByRole('heading', { level: 1 })).toContainText('2 computers');
      const host = new URL(mesh.url).host;
      const elsewhere = asked.filter((url) => !/^(?:data|blob|about):/.test(url) && new URL(url).host !== host);
      expect(elsewhere).toEqual([]);
      // The watch works: the requests to our own origin are among them.
      expect(asked).toContain(`${mesh.url}/models/catalogue.json`);
      expect(errors).toEqual([]);
      await page.context().close();
    },
  );
}
