/** Chats as a person does, by the names that a screen reader reads. */
import { expect, type Locator, type Page } from '@playwright/test';

export const message = (page: Page) => page.getByRole('textbox', { name: 'Message' });
export const send = (page: Page) => page.getByRole('button', { name: 'Send', exact: true });
export const stop = (page: Page) => page.getByRole('button', { name: 'Stop', exact: true });
export const log = (page: Page) => page.getByRole('log', { name: 'Conversation' });
export const modelPicker = (page: Page) => page.getByRole('combobox', { name: 'Model' });
export const lastAnswer = (page: Page): Locator => log(page).getByRole('article').last();

/** Resolves when the tiny model is chosen, which means that somebody lends it. */
export async function tinyIsOffered(page: Page): Promise<void> {
  await expect(modelPicker(page)).toContainText('LLMesh tiny', { timeout: 30_000 });
  await expect(modelPicker(page)).toContainText(/volunteer/, { timeout: 30_000 });
}

export async function ask(page: Page, question: string): Promise<void> {
  await message(page).fill(question);
  await send(page).click();
}

/** By the key, so that a click on Stop right after it, or right before, is no second one of a double click. */
export async function askByKey(page: Page, question: string): Promise<void> {
  await message(page).fill(question);
  await message(page).press('Enter');
}

/** Resolves when the answer is whole: Send is back, and the receipt is there. */
export async function answered(page: Page): Promise<Locator> {
  await expect(send(page)).toBeVisible({ timeout: 30_000 });
  const answer = lastAnswer(page);
  await expect(answer).toContainText(/first\sword/, { timeout: 30_000 });
  return answer;
}
