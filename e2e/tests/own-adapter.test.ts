/** A visitor brings an adapter of their own: from the page, straight to the provider, which answers with it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { loraGguf, TINY_MATRICES } from '../../native-worker/src/testing/lora-gguf.ts';
import { answered, ask, lastAnswer, stop, tinyIsOffered } from '../src/chat.ts';
import { lastStatus } from '../src/mesh.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const { question, answer } = plain[0]!;
const looks = process.env['LOOKS'];
let folder: string;
test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmesh-own-adapter-'));
});
test.afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const opener = (page: Page) => page.getByRole('button', { name: /^(?:Use an adapter of your own|Adapter: )/ });
const dialog = (page: Page) => page.getByRole('dialog', { name: 'An adapter of your own' });
const said = (page: Page) => dialog(page).getByRole('status');

async function add(page: Page, path: string): Promise<void> {
  await dialog(page).locator('input[type=file]').setInputFiles(path);
}

/** For whoever wants to see it. */
async function look(page: Page, name: string): Promise<void> {
  if (looks === undefined) return;
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const [size, viewport] of Object.entries({
      desktop: { width: 1280, height: 800 },
      phone: { width: 390, height: 844 },
    })) {
      await page.setViewportSize(viewport);
      await page.screenshot({ path: join(looks, `${name}-${size}-${scheme}.png`) });
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize({ width: 1280, height: 800 });
}

test("a visitor's own adapter changes the answers, survives a reload, and is nobody else's", async ({
  mesh,
  visit,
}) => {
  test.setTimeout(180_000);
  await mesh.addWorker();
  const { page, errors } = await visit();
  await ask(page, question);
  await expect(await answered(page)).toContainText(answer);

  await opener(page).click();
  await look(page, 'empty');
  await add(page, await file('law.gguf', loraGguf(TINY_MATRICES, { seed: 1, strength: 1 })));
  await expect(said(page)).toContainText('Test adapter 1 is used from the next message on.');
  await look(page, 'used');
  await page.keyboard.press('Escape');
  await expect(opener(page)).toBeFocused();
  await expect(opener(page)).toHaveAccessibleName('Adapter: Test adapter 1');
  await look(page, 'chat');

  await ask(page, question);
  const changed = await (await answered(page)).innerText();
  expect(changed).toContain('LLMesh tiny with Test adapter 1');
  expect(changed).not.toContain(answer);

  await page.reload();
  await tinyIsOffered(page);
  await expect(opener(page)).toHaveAccessibleName('Adapter: Test adapter 1');
  await opener(page).click();
  await dialog(page).getByRole('radio', { name: 'as it is' }).check();
  await page.keyboard.press('Escape');
  await ask(page, question);
  await expect(await answered(page)).toContainText(answer);

  // Another visitor sees none of it.
  const { page: other } = await visit();
  await expect(opener(other)).toHaveAccessibleName('Use an adapter of your own');

  await opener(page).click();
  await dialog(page).getByRole('button', { name: 'Remove Test adapter 1' }).click();
  await expect(said(page)).toContainText('is removed');
  await expect(dialog(page).getByRole('radio')).toHaveCount(0);
  const kept = await page.evaluate(async () => {
    const names: string[] = [];
    const root = await navigator.storage.getDirectory();
    const models = await root.getDirectoryHandle('models').catch(() => null);
    for await (const [name] of models?.entries() ?? []) names.push(name);
    return names;
  });
  expect(kept).toEqual([]);
  expect(errors).toEqual([]);
});

test('says of each wrong file what it is and what to do, and keeps none', { tag: '@wide' }, async ({ mesh, visit }) => {
  test.setTimeout(180_000);
  await mesh.addWorker();
  const { page, errors } = await visit();
  await opener(page).click();
  const lora = loraGguf(TINY_MATRICES, { seed: 2, strength: 1 });
  const spoilt = Buffer.from(lora);
  spoilt.writeFloatLE(NaN, spoilt.byteLength - 4);
  const endless = Buffer.from(lora);
  endless.writeBigUInt64LE(2n ** 50n, 16);
  const wrong: [name: string, bytes: Uint8Array, says: RegExp][] = [
    ['notes.gguf', Buffer.from('Be kind.'), /notes is not a GGUF file.*convert_lora_to_gguf/],
    ['adapter.safetensors.gguf', Buffer.concat([Buffer.alloc(8, 1), Buffer.from('{"a":1}')]), /safetensors/],
    ['none.gguf', new Uint8Array(0), /is empty/],
    ['large.gguf', new Uint8Array(51_000_000), /51 MB.*50 MB/],
    ['cut.gguf', lora.subarray(0, lora.byteLength >> 1), /cannot be read\. It is cut off/],
    ['endless.gguf', endless, /header is damaged/],
    ['spoilt.gguf', spoilt, /numbers in it that are none/],
    ['model.gguf', loraGguf(TINY_MATRICES, { seed: 1, strength: 1, says: { 'general.type': 'model' } }), /whole model/],
  ];
  for (const [name, bytes, says] of wrong) {
    await add(page, await file(name, bytes));
    await expect(said(page)).toContainText(says);
  }
  await look(page, 'wrong');
  await expect(dialog(page).getByRole('radio')).toHaveCount(0);

  // One for another model is kept, and not used.
  const other = loraGguf([{ name: 'blk.0.attn_q.weight', inputs: 64, outputs: 64 }], { seed: 3, strength: 1 });
  await add(page, await file('other.gguf', other));
  await expect(said(page)).toContainText('Test adapter 3 is kept. It is made for a model of another size.');
  await expect(dialog(page).getByRole('radio', { name: /Test adapter 3/ })).toBeDisabled();
  await look(page, 'misfit');
  expect(errors).toEqual([]);
});

test(
  'the next provider gets the adapter anew when the first is gone in the middle',
  { tag: '@wide' },
  async ({ mesh, visit }) => {
    test.setTimeout(180_000);
    const workers = [await mesh.addWorker('--max-speed', '6'), await mesh.addWorker('--max-speed', '6')];
    const { page } = await visit();
    await opener(page).click();
    await add(page, await file('law.gguf', loraGguf(TINY_MATRICES, { seed: 1, strength: 1 })));
    await expect(said(page)).toContainText('is used');
    await page.keyboard.press('Escape');
    await ask(page, question);
    await expect(lastAnswer(page)).toContainText('LLMesh is', { timeout: 30_000 });
    const busy = () => workers.find((worker) => lastStatus(worker)?.busySlots === 1);
    await expect.poll(() => busy() !== undefined).toBe(true);
    busy()?.process.kill('SIGKILL');
    await expect(page.getByRole('status', { name: 'News' })).toContainText('continues', { timeout: 60_000 });
    await expect(lastAnswer(page)).toContainText('is writing');
    const words = async () => (await lastAnswer(page).innerText()).length;
    const before = await words();
    await expect.poll(words, { timeout: 30_000 }).toBeGreaterThan(before);
    await stop(page).click();
    await expect(lastAnswer(page)).toContainText(/stopped here/i);
  },
);

test('who takes none is not asked, and a hidden address is told why', { tag: '@wide' }, async ({ mesh, visit }) => {
  const worker = await mesh.addWorker('--no-adapters-from-visitors');
  const { page } = await visit();
  await opener(page).click();
  await expect(dialog(page)).toContainText('Nobody who has LLMesh tiny takes adapters right now');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('switch', { name: 'Hide my address' }).check();
  await page.keyboard.press('Escape');
  await opener(page).click();
  await expect(dialog(page)).toContainText('a relay carries no files');
  await look(page, 'hidden');
  expect(worker.lines.some((line) => 'error' in line)).toBe(false);
});
