/** Who may run a question: this device only, volunteers on the person's own list, anyone. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Browser, type BrowserContextOptions, type Locator, type Page } from '@playwright/test';
import { peerName } from '@llmesh/core/identity/names';
import type { PeerId } from '@llmesh/core/base/ids';
import {
  answered,
  ask,
  askByKey,
  lastAnswer,
  log,
  message,
  modelPicker,
  send,
  stop,
  tinyIsOffered,
} from '../src/chat.ts';
import { tabTo } from '../src/keys.ts';
import { startMesh, WITH_RELAY, type TestMesh } from '../src/mesh.ts';
import { longest, plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const scope = (page: Page, name: string) => page.getByRole('radio', { name, exact: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

// An engine starts slowly where two cores carry everything.
test.describe.configure({ timeout: 180_000 });

let browser: Browser;
test.beforeAll(async ({ commonBrowsers }) => {
  browser = await commonBrowsers.get('chromium');
});
test.afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Presses the label as a person does, since the circle itself is not painted. In a narrow window a button opens them. */
async function choose(page: Page, name: string): Promise<void> {
  const folded = page.getByRole('button', { name: /^Who can answer/ });
  const narrow = await folded.isVisible();
  if (narrow) await folded.click();
  await scope(page, name).locator('xpath=..').click();
  if (narrow) await expect(folded).toHaveAccessibleName(`Who can answer: ${name}`);
  else await expect(scope(page, name)).toBeChecked();
}

async function withMesh(run: (mesh: TestMesh) => Promise<void>): Promise<void> {
  const mesh = await startMesh(WITH_RELAY);
  let stopped: Promise<void> | null = null;
  const stopOnce = () => (stopped ??= mesh.stop());
  try {
    await run({ ...mesh, stop: stopOnce });
  } finally {
    await stopOnce();
  }
}

/** Like `answered`, with the time that this device needs to get the model and start it. */
async function answeredHere(page: Page): Promise<Locator> {
  await expect(lastAnswer(page)).toContainText(/first\sword/, { timeout: 90_000 });
  return await answered(page);
}

/** A worker, its name, and a function that ends it. */
async function addWorker(mesh: TestMesh) {
  const worker = await mesh.addWorker();
  const peerId = worker.lines.find((line) => line['ready'] === true)?.['peerId'] as PeerId;
  return { peerId, name: peerName(peerId), leave: () => worker.stop() };
}

async function introductions(mesh: TestMesh): Promise<number> {
  const stats = (await (await fetch(`${mesh.url}/api/stats`)).json()) as { matches: number };
  return stats.matches;
}

test('volunteers I trust: no one else is asked, and the question waits for one of them', { tag: '@wide' }, async () => {
  await withMesh(async (mesh) => {
    const [friend, stranger] = [await addWorker(mesh), await addWorker(mesh)];
    const page = await open(mesh.url);
    await tinyIsOffered(page);
    await choose(page, 'Volunteers I trust');
    await expect(modelPicker(page)).toContainText('none you trust');
    await ask(page, plain[0]?.question ?? '');
    await expect(lastAnswer(page)).toContainText('You don’t trust anyone yet');
    expect(await introductions(mesh)).toBe(0);

    await page.getByRole('link', { name: 'Network' }).click();
    await button(page, `Trust ${friend.name}`).click();
    await expect(button(page, `Trust ${friend.name}`)).toHaveAttribute('aria-pressed', 'true');
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await expect(await answered(page)).toContainText(plain[0]?.answer ?? '');
    await expect(modelPicker(page)).toContainText('one you trust', { timeout: 15_000 });
    // By chance the other one would in all likelihood get one of these.
    for (let i = 1; i <= 5; i++) {
      await ask(page, plain[i]?.question ?? '');
      await answered(page);
      await expect(lastAnswer(page)).toContainText(friend.name);
    }
    await expect(log(page)).not.toContainText(stranger.name);

    // The list is kept, and so is the choice of this conversation.
    await page.reload();
    await page
      .getByRole('complementary', { name: 'Conversations' })
      .getByText(plain[0]?.question ?? '')
      .click();
    await expect(scope(page, 'Volunteers I trust')).toBeChecked();
    await expect(modelPicker(page)).toContainText('one you trust', { timeout: 15_000 });

    await friend.leave();
    await ask(page, plain[6]?.question ?? '');
    await expect(lastAnswer(page)).toContainText('Nobody you trust has LLMesh tiny right now', { timeout: 15_000 });
    await lastAnswer(page).getByText('More', { exact: true }).click();
    await button(page, 'Ask anyone').click();
    await answered(page);
    await expect(lastAnswer(page)).toContainText(stranger.name);
    // It holds for that question only.
    await expect(scope(page, 'Volunteers I trust')).toBeChecked();

    await button(page, 'Settings').click();
    const settings = page.getByRole('dialog', { name: 'Settings' });
    await settings.getByRole('button', { name: `Remove ${friend.name}` }).click();
    await expect(settings).toContainText('0 of 64');
    await settings.getByRole('button', { name: 'Close' }).click();
    await ask(page, plain[7]?.question ?? '');
    await expect(lastAnswer(page)).toContainText('You don’t trust anyone yet');
  });
});

test('this device only: it answers, asks the mesh nothing, and continues when the mesh is gone', async () => {
  await withMesh(async (mesh) => {
    await addWorker(mesh);
    const page = await open('about:blank');
    const sent: string[] = [];
    page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(String(payload))));
    await page.goto(mesh.url);
    await tinyIsOffered(page);
    await choose(page, 'This device only');
    await expect(page.locator('#says').getByText('Nothing you ask leaves this device.')).toBeVisible();
    await expect(modelPicker(page)).toContainText(/LLMesh tiny.*this device/, { timeout: 30_000 });
    await ask(page, plain[0]?.question ?? '');
    const answer = await answeredHere(page);
    await expect(answer).toContainText(plain[0]?.answer ?? '');
    await expect(answer).toHaveAccessibleName('Answer from this device');
    await expect(answer.locator('.receipt')).toContainText('This\u00a0device');
    await expect(modelPicker(page)).toContainText('downloaded');
    expect(await introductions(mesh)).toBe(0);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.filter((frame) => frame.includes('"match"'))).toEqual([]);

    await mesh.stop();
    await expect(fetch(mesh.url)).rejects.toThrow();
    await ask(page, plain[1]?.question ?? '');
    await expect(await answeredHere(page)).toContainText(plain[1]?.answer ?? '');

    // A question for others waits, and can be answered here instead.
    await choose(page, 'Anyone');
    await expect(page.getByText('Messages you kept more private won’t be included.')).toBeVisible();
    await ask(page, plain[2]?.question ?? '');
    await expect(lastAnswer(page)).toContainText('Your message is saved.');
    await button(page, 'Run it on this device').click();
    await expect(await answeredHere(page)).toContainText(plain[2]?.answer ?? '');
    await expect(scope(page, 'Anyone')).toBeChecked();
  });
});

test('what was asked of this device is not sent along to others', { tag: '@wide' }, async () => {
  await withMesh(async (mesh) => {
    await addWorker(mesh);
    // These are the messages that the page hands to the sealed link, before it is sealed.
    const page = await open('about:blank');
    await page.addInitScript(() => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      const encode = TextEncoder.prototype.encodeInto;
      const encodeAll = TextEncoder.prototype.encode;
      TextEncoder.prototype.encodeInto = function (text, into) {
        seen.push(text);
        return encode.call(this, text, into);
      };
      TextEncoder.prototype.encode = function (text) {
        seen.push(text ?? '');
        return encodeAll.call(this, text);
      };
    });
    await page.goto(mesh.url);
    await tinyIsOffered(page);
    await choose(page, 'This device only');
    await expect(modelPicker(page)).toContainText('this device', { timeout: 30_000 });
    await ask(page, plain[0]?.question ?? '');
    await answeredHere(page);
    await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen.splice(0));
    await choose(page, 'Anyone');
    await ask(page, plain[1]?.question ?? '');
    await expect(await answeredHere(page)).toContainText(plain[1]?.answer ?? '');
    const seen = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
    expect(seen).toContain(plain[1]?.question);
    expect(seen.filter((text) => text.includes(plain[0]?.question ?? ''))).toEqual([]);
  });
});

test('after one answer of this device the page needs no network at all', { tag: '@wide' }, async () => {
  await withMesh(async (mesh) => {
    const page = await open(mesh.url, { serviceWorkers: 'allow' });
    await expect
      .poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state), { timeout: 30_000 })
      .toBe('activated');
    await button(page, 'Settings').click();
    const settings = page.getByRole('dialog', { name: 'Settings' });
    const choice = settings.getByRole('group', { name: 'Default for new chats' });
    await choice.getByRole('radio', { name: 'This device only' }).locator('xpath=..').click();
    await settings.getByRole('button', { name: 'Close' }).click();
    await expect(scope(page, 'This device only')).toBeChecked();
    await ask(page, plain[0]?.question ?? '');
    await expect(await answeredHere(page)).toContainText(plain[0]?.answer ?? '');
    await mesh.stop();
    await expect(fetch(mesh.url)).rejects.toThrow();
    await page.context().setOffline(true);
    await page.reload();
    await expect(scope(page, 'This device only')).toBeChecked();
    await expect(modelPicker(page)).toContainText('downloaded', { timeout: 30_000 });
    await ask(page, plain[1]?.question ?? '');
    await expect(await answeredHere(page)).toContainText(plain[1]?.answer ?? '');
  });
});

test('lending and asking share one model, and Stop stops', { tag: '@wide' }, async () => {
  await withMesh(async (mesh) => {
    const page = await open(`${mesh.url}/donate`);
    await button(page, 'Start donating').click();
    await expect(page.getByRole('status', { name: 'Provider status' })).toContainText('Ready. No requests', {
      timeout: 60_000,
    });
    const workers = page.workers().length;
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await choose(page, 'This device only');
    await askByKey(page, longest.question);
    await expect(stop(page)).toBeVisible();
    await stop(page).click();
    await expect(lastAnswer(page)).toContainText(/You stopped/);
    await askByKey(page, plain[0]?.question ?? '');
    await expect(await answeredHere(page)).toContainText(plain[0]?.answer ?? '');
    expect(page.workers().length).toBe(workers);
    await page.getByRole('link', { name: 'Donate' }).click();
    await expect(page.getByRole('status', { name: 'Provider status' })).toContainText('Ready. No requests');
  });
});

test('a stopped download is not a failure, and continues when asked again', { tag: '@wide' }, async () => {
  await withMesh(async (mesh) => {
    const page = await open(mesh.url);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/llmesh-tiny.gguf', async (route) => {
      await held;
      await route.continue().catch(() => {});
    });
    await choose(page, 'This device only');
    await expect(modelPicker(page)).toContainText('to get', { timeout: 30_000 });
    await askByKey(page, plain[0]?.question ?? '');
    await expect(lastAnswer(page)).toContainText(/is (getting|loading) LLMesh tiny/);
    await stop(page).click();
    await expect(lastAnswer(page)).toContainText('You stopped before the first word.');
    release();
    await button(page, 'Try again').click();
    await expect(await answeredHere(page)).toContainText(plain[0]?.answer ?? '');
  });
});

test('the choice is made with a keyboard alone', { tag: '@wide' }, async () => {
  await withMesh(async (mesh) => {
    const page = await open(mesh.url);
    await expect(page.getByRole('group', { name: 'Who can answer' })).toHaveAccessibleDescription(
      /server can’t read it/,
    );
    await tabTo(page, scope(page, 'Anyone'));
    await page.keyboard.press('ArrowLeft');
    await expect(scope(page, 'Volunteers I trust')).toBeFocused();
    await page.keyboard.press('ArrowLeft');
    await expect(scope(page, 'This device only')).toBeChecked();
    await expect(page.getByRole('group', { name: 'Who can answer' })).toHaveAccessibleDescription(
      'Nothing you ask leaves this device.',
    );
    await page.keyboard.press('Shift+Tab');
    await expect(message(page)).toBeFocused();
    await expect(modelPicker(page)).toContainText('this device', { timeout: 30_000 });
    await page.keyboard.type(plain[0]?.question ?? '');
    await page.keyboard.press('Enter');
    await answeredHere(page);
    await expect(send(page)).toBeVisible();
  });
});

// The colours are those of all pages, which are looked at in both schemes and both sizes.
const LOOKS = [
  { viewport: SIZES.desktop, colorScheme: 'light' },
  { viewport: SIZES.phone, colorScheme: 'dark' },
] as const;

test('axe finds nothing to complain of in the new controls, on desktop and phone', { tag: '@wide' }, async () => {
  await withMesh(async (mesh) => {
    const page = await open(mesh.url);
    const sound = async (what: string, show = async () => {}) => {
      for (const { viewport, colorScheme } of LOOKS) {
        await page.setViewportSize(viewport);
        await show();
        await page.emulateMedia({ colorScheme });
        // New colours come with the next frame.
        await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown))));
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(
          violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`),
          what,
        ).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), what).toBe(true);
      }
    };
    await choose(page, 'Volunteers I trust');
    await ask(page, plain[0]?.question ?? '');
    await expect(lastAnswer(page)).toContainText('You don’t trust anyone yet');
    await sound('a question that waits for the trusted');
    await choose(page, 'This device only');
    await expect(modelPicker(page)).toContainText('this device', { timeout: 30_000 });
    await ask(page, plain[1]?.question ?? '');
    await answeredHere(page);
    await sound('an answer of this device');
    // It may close when the size changes.
    await sound('the models of this device', async () => {
      await modelPicker(page).press('Escape');
      await expect(page.getByRole('option')).toHaveCount(0);
      await modelPicker(page).click();
      await expect(page.getByRole('option', { name: /LLMesh tiny/ })).toBeVisible();
    });
    await modelPicker(page).press('Escape');
    await button(page, 'Conversations').click();
    await button(page, 'Settings').click();
    await expect(page.getByRole('switch', { name: 'Hide my address' })).toBeVisible();
    await sound('the settings');
    await expect(page.getByRole('switch', { name: 'Hide my address' })).toBeVisible();
  });
});
