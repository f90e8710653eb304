/** A person tells the model of one conversation how to answer, keeps that under a name, and uses it in another. */
import { expect, type Page } from '@playwright/test';
import { answered, ask, tinyIsOffered } from '../src/chat.ts';
import { plain } from '../src/questions.ts';
import { onCommonMesh, test } from '../src/visit.ts';

const [one] = plain as [(typeof plain)[0]];
const instructions = (page: Page) => page.getByRole('button', { name: /^Instructions/ });
const dialogOf = (page: Page) => page.getByRole('dialog', { name: 'Instructions' });

onCommonMesh(
  'instructions stay with their conversation, in every tab, and presets with the browser',
  async ({ visit }) => {
    test.setTimeout(120_000);
    const { page, errors } = await visit();
    await tinyIsOffered(page);
    await instructions(page).press('Enter');
    const dialog = dialogOf(page);
    await dialog.getByRole('combobox', { name: 'Start from' }).selectOption('In short');
    const box = dialog.getByRole('textbox', { name: 'What the model is told first' });
    await expect(box).toHaveValue(/at most three sentences/);
    await expect(box).toHaveAccessibleDescription(/About \d+ tokens/);
    await dialog.getByRole('combobox', { name: 'Answers of at most' }).selectOption('128');
    await dialog.getByRole('switch', { name: 'Choose Temperature' }).check();
    await expect(dialog.getByRole('slider', { name: 'Temperature' })).toHaveAccessibleDescription(/more predictable/);
    await dialog.getByRole('textbox', { name: 'Stop before' }).fill('nobody says this\n\\n\\n\\n');
    await dialog.getByRole('textbox', { name: 'Keep as a preset' }).fill('Mine');
    await dialog.getByRole('button', { name: 'Keep', exact: true }).click();
    await expect(dialog.getByText('“Mine” is one of your presets.')).toBeVisible();
    await dialog.getByRole('button', { name: 'Use for this conversation' }).click();
    await expect(dialog).toHaveCount(0);
    await expect(instructions(page)).toBeFocused();
    await expect(instructions(page)).toHaveText('Instructions are set');
    await ask(page, one.question);
    await answered(page);

    const other = await page.context().newPage();
    await other.goto(page.url());
    await expect(instructions(other)).toHaveText('Instructions are set');
    await instructions(other).click();
    await dialogOf(other).getByRole('button', { name: 'Clear all' }).click();
    await dialogOf(other).getByRole('button', { name: 'Use for this conversation' }).click();
    await expect(instructions(page)).toHaveText('Instructions');

    await page.getByRole('button', { name: 'New conversation' }).first().click();
    await instructions(page).click();
    await dialog.getByRole('combobox', { name: 'Start from' }).selectOption('Mine');
    await expect(box).toHaveValue(/at most three sentences/);
    await expect(dialog.getByRole('textbox', { name: 'Stop before' })).toHaveValue('nobody says this\n\\n\\n\\n');
    await dialog.getByRole('button', { name: 'Delete the preset Mine' }).click();
    await expect(dialog.getByRole('option', { name: 'Mine' })).toHaveCount(0);

    // The longest word of the answer is not said any more, nor what comes after it.
    const word = one.answer.split(/\W+/).reduce((a, b) => (b.length > a.length ? b : a));
    await dialog.getByRole('button', { name: 'Clear all' }).click();
    await dialog.getByRole('textbox', { name: 'Stop before' }).fill(word);
    await dialog.getByRole('button', { name: 'Use for this conversation' }).click();
    await ask(page, one.question);
    const cut = await answered(page);
    await expect(cut).toContainText(one.answer.slice(0, one.answer.indexOf(word)).trim());
    await expect(cut).not.toContainText(word);
    expect(errors).toEqual([]);
  },
);
