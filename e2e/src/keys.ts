/** Works the page by keys alone. */
import type { Locator, Page } from '@playwright/test';

/** More steps than any page has places for the focus. */
export const MOST_TABS = 150;

/**
 * Presses Tab, or Shift and Tab, until this has the focus: by the way that does not lead out of the page. Firefox hands the focus
 * to its own window there, and presses no buttons of the page before it is back.
 */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  const before = () =>
    target.evaluate((one) => {
      const at = document.activeElement ?? document.body;
      return (one.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
    });
  const key = (await before()) ? 'Shift+Tab' : 'Tab';
  for (let i = 0; i < MOST_TABS; i++) {
    await page.keyboard.press(key);
    if (await target.evaluate((one) => one === document.activeElement)) return;
  }
  throw new Error('Tab does not lead there');
}
