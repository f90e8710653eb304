/** Pictures of a page in looks that people have, and what a reader with a screen reader would miss in them. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { isWide } from './browsers.ts';
import { shown, sideways, SIZES } from './looks.ts';

const LOOKS = (
  [
    ['desktop', 'light'],
    ['phone', 'dark'],
    ['small', 'light'],
  ] as const
).slice(0, isWide ? 3 : 1);

/** Fails the test softly where something is out of reach or out of the window. `name`: that of the pictures. */
export async function look(page: Page, name: string): Promise<void> {
  for (const [size, colorScheme] of LOOKS) {
    await page.setViewportSize(SIZES[size]);
    await page.emulateMedia({ colorScheme });
    await shown(page);
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect.soft(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect.soft(await sideways(page)).toEqual([]);
    await page.screenshot({ path: test.info().outputPath(`${name}-${size}-${colorScheme}.png`), fullPage: true });
  }
}
