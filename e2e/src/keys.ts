/** Works the page by keys alone. */
import type { Locator, Page } from '@playwright/test';

/** More steps than any page has places for the focus. */
export const MOST_TABS = 150;

/** Presses Tab until this has the focus. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let i = 0; i < MOST_TABS; i++) {
    await page.keyboard.press('Tab');
    if (await target.evaluate((one) => one === document.activeElement)) return;
  }
  throw new Error('Tab does not lead there');
}
