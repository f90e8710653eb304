/** A person names a conversation, takes all of them to another browser as a locked file, and brings in those of another program. */
import { expect, type Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { answered, ask, log, tinyIsOffered } from '../src/chat.ts';
import { plain } from '../src/questions.ts';
import { onCommonMesh, test } from '../src/visit.ts';

const [one] = plain as [(typeof plain)[0]];
const PASSPHRASE = 'four words of nothing';
const talks = (page: Page) => page.getByRole('complementary', { name: 'Conversations' });

async function openSettings(page: Page): Promise<void> {
  await talks(page).getByRole('button', { name: 'Settings' }).click();
}

async function bringIn(page: Page, file: { name: string; bytes: Buffer }): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Bring in a file' }).click();
  await (await chooser).setFiles({ name: file.name, mimeType: 'application/octet-stream', buffer: file.bytes });
}

onCommonMesh('conversations are named, pinned, saved, and brought into another browser', async ({ visit }) => {
  test.setTimeout(180_000);
  const { page, errors } = await visit();
  await tinyIsOffered(page);
  await ask(page, one.question);
  await answered(page);

  await talks(page)
    .getByRole('button', { name: `Rename, move, pin or save ${one.question}` })
    .click();
  const dialog = page.getByRole('dialog', { name: 'Conversation' });
  await dialog.getByRole('switch', { name: 'Keep at the top of the list' }).check();
  const markdown = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Markdown, to read' }).click();
  const text = readFileSync(await (await markdown).path(), 'utf8');
  expect(text).toContain(`## You\n\n${one.question}`);
  expect(text).toContain(one.answer);
  await dialog.getByRole('textbox', { name: 'Name' }).fill('My first question');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole('heading', { name: 'My first question' })).toBeVisible();
  await expect(talks(page).getByRole('heading', { name: 'Pinned' })).toBeVisible();

  await openSettings(page);
  await page.getByRole('button', { name: 'Save all as a file' }).click();
  await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
  const download = page.waitForEvent('download', { timeout: 60_000 });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const saved = await download;
  expect(saved.suggestedFilename()).toMatch(/^llmesh-conversations-.*\.llmesh$/);
  const bytes = readFileSync(await saved.path());

  const { page: other } = await visit();
  await openSettings(other);
  await bringIn(other, { name: 'photo.json', bytes: Buffer.from('{}') });
  await expect(other.getByRole('status').getByText('No conversations were found in this file')).toBeVisible();
  await bringIn(other, { name: saved.suggestedFilename(), bytes });
  await other.getByLabel('Passphrase of the file').fill(PASSPHRASE);
  await other.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(other.getByText('1 conversation came in.')).toBeVisible({ timeout: 60_000 });
  const foreign = JSON.stringify([{ id: 'w', title: 'Elsewhere', updated_at: 1_700_000_000, chat: { history } }]);
  await bringIn(other, { name: 'chats.json', bytes: Buffer.from(foreign) });
  await expect(talks(other).getByRole('link', { name: 'Elsewhere' })).toBeAttached();
  await other.getByRole('button', { name: 'Close' }).click();

  await talks(other).getByRole('link', { name: 'My first question' }).click();
  await expect(log(other)).toContainText(one.answer);
  await talks(other).getByRole('link', { name: 'Elsewhere' }).click();
  await expect(log(other)).toContainText('Open WebUI, llama3:8b');
  expect(errors).toEqual([]);
});

const history = {
  currentId: 'a',
  messages: {
    q: { role: 'user', content: 'Why?', parentId: null },
    a: { role: 'assistant', content: 'So.', parentId: 'q', model: 'llama3:8b' },
  },
};
