/** A person keeps conversations in folders, brings in one with branches and a table, and is told when an answer is ready. */
import { expect, type Page } from '@playwright/test';
import { answered, ask, message, tinyIsOffered } from '../src/chat.ts';
import { plain } from '../src/questions.ts';
import { onCommonMesh, test } from '../src/visit.ts';

const [one] = plain as [(typeof plain)[0]];
const talks = (page: Page) => page.getByRole('complementary', { name: 'Conversations' });
const folder = (page: Page) => talks(page).getByRole('heading', { name: /^Work/ });

onCommonMesh('a conversation lies in a folder, in every tab, and stays when the folder goes', async ({ visit }) => {
  test.setTimeout(120_000);
  const { page, errors } = await visit();
  await tinyIsOffered(page);
  await ask(page, one.question);
  await answered(page);
  await talks(page)
    .getByRole('button', { name: `Rename, move, pin or save ${one.question}` })
    .press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Conversation' });
  await dialog.getByRole('combobox', { name: 'Folder' }).selectOption('New folder…');
  await expect(dialog.getByRole('textbox', { name: 'Name of the folder' })).toBeFocused();
  await page.keyboard.type('Work');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('status')).toHaveText('It lies in “Work”.');
  await page.keyboard.press('Escape');

  const other = await page.context().newPage();
  await other.goto(page.url());
  const fold = folder(other).getByRole('button');
  await expect(fold).toHaveAccessibleName(/^Work\s*1$/);
  const row = talks(page).getByRole('link', { name: one.question });
  await expect(row).toBeVisible();
  await fold.press('Enter');
  await expect(fold).toHaveAttribute('aria-expanded', 'false');
  await expect(row).toHaveCount(0);
  await folder(page).getByRole('button').click();
  await expect(talks(other).getByRole('link', { name: one.question })).toBeVisible();

  await talks(page).getByRole('button', { name: 'Rename or delete the folder Work' }).click();
  await expect(talks(page).getByRole('textbox', { name: 'Name of the folder' })).toHaveValue('Work');
  await talks(page).getByRole('button', { name: 'Delete the folder' }).click();
  await expect(folder(other)).toHaveCount(0);
  await expect(row).toBeVisible();
  expect(errors).toEqual([]);
});

onCommonMesh('what comes in brings its branches, and its table leaves as CSV', async ({ visit }) => {
  test.setTimeout(120_000);
  const { page, errors } = await visit();
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const messages = {
    q: { role: 'user', content: 'How heavy?', parentId: null },
    first: { role: 'assistant', content: 'I do not know.', parentId: 'q', model: 'small' },
    last: {
      role: 'assistant',
      content: '| animal | kg |\n|---|---|\n| otter, sea | 45 |',
      parentId: 'q',
      model: 'large',
    },
  };
  const file = [{ id: 'w', title: 'Otters', chat: { title: 'Otters', history: { currentId: 'last', messages } } }];
  await talks(page).getByRole('button', { name: 'Settings' }).click();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Bring in a file' }).click();
  const bytes = Buffer.from(JSON.stringify(file));
  await (await chooser).setFiles({ name: 'export.json', mimeType: 'application/json', buffer: bytes });
  await expect(page.getByText('1 conversation came in.')).toBeVisible();
  await page.keyboard.press('Escape');
  await talks(page).getByRole('link', { name: 'Otters' }).click();
  await page.getByRole('button', { name: 'Copy as CSV' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Copied as CSV.' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('animal,kg\r\n"otter, sea",45\r\n');
  await page.getByRole('button', { name: 'Previous version' }).click();
  await expect(page.getByText('I do not know.')).toBeVisible();
  expect(errors).toEqual([]);
});

onCommonMesh('what was shared is in the box, and a page that says it is hidden marks its tab', async ({ visit }) => {
  test.setTimeout(120_000);
  const { page, errors } = await visit();
  await page.goto(new URL(`/#share=${encodeURIComponent(one.question)}`, page.url()).href);
  await page.reload();
  await expect(message(page)).toHaveValue(one.question);
  await expect(page).toHaveURL(/\/$/);
  await tinyIsOffered(page);
  await page.evaluate(() => Object.defineProperty(document, 'hidden', { value: true, configurable: true }));
  await message(page).press('Enter');
  await answered(page);
  await expect(page).toHaveTitle(/^● /);
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: false, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await expect(page).toHaveTitle(/^[^●]/);
  expect(errors).toEqual([]);
});
