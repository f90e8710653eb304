/** A person asks about files: chosen, dropped and pasted; and calls saved prompts. */
import { expect, type Page } from '@playwright/test';
import { answered, log, message, send, tinyIsOffered } from '../src/chat.ts';
import { madePdf } from '../src/made-pdf.ts';
import { onCommonMesh, test } from '../src/visit.ts';

const files = (page: Page) => page.getByRole('form', { name: 'Write' }).getByRole('list', { name: 'Attached files' });
const add = (page: Page) => page.getByRole('button', { name: 'Add to the question' });

async function choose(page: Page, ...chosen: { name: string; mimeType: string; buffer: Buffer }[]): Promise<void> {
  await add(page).click();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('menuitem', { name: /^Files/ }).press('Enter');
  await (await chooser).setFiles(chosen);
}

/** As a person does with a file of that text. `kind`: drop: onto the page; paste: into the box. */
async function hand(page: Page, kind: 'drop' | 'paste', name: string, text: string): Promise<void> {
  await page.evaluate(
    ([how, file, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([content], file));
      const about = { bubbles: true, cancelable: true };
      if (how === 'paste') {
        document
          .querySelector('textarea')!
          .dispatchEvent(new ClipboardEvent('paste', { ...about, clipboardData: data }));
      } else {
        document.body.dispatchEvent(new DragEvent('dragover', { ...about, dataTransfer: data }));
        document.body.dispatchEvent(new DragEvent('drop', { ...about, dataTransfer: data }));
      }
    },
    [kind, name, text] as const,
  );
}

onCommonMesh('files go with a question, a PDF too, and stay with it', async ({ visit }) => {
  test.setTimeout(120_000);
  const { page, errors } = await visit();
  await tinyIsOffered(page);
  await choose(
    page,
    { name: 'otters.pdf', mimeType: 'application/pdf', buffer: madePdf(['Otters weigh 25 kg', 'and swim']) },
    { name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from([137, 80, 78, 71, 0, 0]) },
  );
  await expect(files(page).getByRole('listitem')).toHaveText([/otters\.pdf.*about \d+ tokens/]);
  const status = page.getByRole('status', { name: 'Files', exact: true });
  await expect(status).toHaveText(/photo\.png is no text file/);
  await hand(page, 'drop', 'animals.csv', 'animal,kg\notter,25\n');
  await hand(page, 'paste', 'notes.md', '# Notes\n');
  await expect(files(page).getByRole('listitem')).toHaveCount(3);
  await expect(status).toHaveText('');
  await files(page).getByRole('button', { name: 'Remove notes.md' }).press('Enter');
  await expect(message(page)).toBeFocused();
  await hand(page, 'drop', 'long.txt', 'word '.repeat(12_000));
  await expect(status).toHaveText(/takes about [\d,]+ tokens, and this model has room for [\d,]+/);
  await files(page).getByRole('button', { name: 'Remove long.txt' }).click();
  await message(page).fill('How heavy are they?');
  await send(page).click();
  await answered(page);
  await expect(files(page)).toHaveCount(0);
  const question = log(page).getByRole('article', { name: 'You' });
  const sent = question.getByRole('list', { name: 'Attached files' });
  await expect(sent.getByRole('listitem')).toHaveText([/otters\.pdf/, /animals\.csv/]);
  await page.reload();
  await sent.getByText('otters.pdf').click();
  await expect(sent.getByLabel('Text of otters.pdf')).toHaveText(/Otters weigh 25 kg\s+and swim/);
  expect(errors).toEqual([]);
});

onCommonMesh('a saved prompt is called by its name, and asks for what it leaves open', async ({ visit }) => {
  test.setTimeout(120_000);
  const { page, errors } = await visit();
  await tinyIsOffered(page);
  await message(page).fill('/');
  await expect(page.getByRole('listbox', { name: 'Saved prompts' }).getByRole('option')).toHaveText([/first prompt/]);
  await message(page).press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Saved prompts' });
  const text = dialog.getByRole('textbox', { name: 'Prompt' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('explain this');
  await text.fill('Explain {{what}} to {{whom}}.');
  await text.press('Tab');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('status')).toHaveText('Saved. Type /explain-this in the box to use it.');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('sum');
  await text.fill('Sum it up.');
  await dialog.getByRole('button', { name: 'Save the prompt' }).click();
  await expect(dialog.getByRole('listitem')).toHaveCount(2);
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);

  // Another tab has them, too.
  const other = await page.context().newPage();
  await other.goto(new URL('/', page.url()).href);
  await message(other).fill('/s');
  const options = other.getByRole('listbox', { name: 'Saved prompts' }).getByRole('option');
  await expect(options).toHaveText([/^\/sum/, /^\/explain-this/, /^Edit/]);
  await message(other).press('ArrowDown');
  await expect(options.nth(1)).toHaveAttribute('aria-selected', 'true');
  await message(other).press('Enter');
  const blanks = other.getByRole('dialog', { name: '/explain-this' });
  await blanks.getByRole('textbox', { name: 'what' }).fill('meshes');
  await blanks.getByRole('textbox', { name: 'whom' }).fill('a child');
  await blanks.getByRole('button', { name: 'Put into the box' }).click();
  await expect(message(other)).toHaveValue('Explain meshes to a child.');
  await expect(message(other)).toBeFocused();
  await message(other).fill('/sum');
  await message(other).press('Escape');
  await expect(message(other)).toHaveValue('');
  expect(errors).toEqual([]);
});
