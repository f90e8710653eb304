/** What a page looks like, asked of the page itself. */
import type { Page } from '@playwright/test';

/** The sizes that people have: a desk, a phone, one on its side, a small one, one with its keyboard open, and 400 % zoom. */
export const SIZES = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
  landscape: { width: 844, height: 390 },
  small: { width: 320, height: 568 },
  keyboard: { width: 390, height: 420 },
  zoom: { width: 320, height: 256 },
  zoomWide: { width: 360, height: 225 },
} as const;

/** Resolves when new sizes and colours are shown, on a busy computer many frames later. */
export async function shown(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const turning = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(turning.map((one) => one.finished));
  });
}

/** What runs out of the window sideways, or is cut off at its edge. */
export async function sideways(page: Page): Promise<string[]> {
  await shown(page);
  return page.evaluate(() => {
    scrollTo(10_000, 0);
    const wide = [document.documentElement, document.body].filter((one) => one.scrollWidth > innerWidth);
    const texts = [...document.querySelectorAll<HTMLElement>('h1, h2, p, button, a, input, textarea, dd, dt')];
    const cut = texts.filter((one) => {
      const { left, right, width } = one.getBoundingClientRect();
      // What scrolls by itself, or is out of sight on purpose.
      return (
        one.checkVisibility() &&
        width > 1 &&
        (left < -1 || right > innerWidth + 1) &&
        !one.closest('pre, .skip, .talks, .peers')
      );
    });
    return [...wide, ...cut].map((one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`);
  });
}

/** Which of these buttons, links and boxes something else lies upon: seen by whoever would press their middle or their edge. */
export function covered(page: Page, selector: string): Promise<string[]> {
  return page.evaluate((wanted) => {
    const all = [...document.querySelectorAll<HTMLElement>(wanted)].filter((one) => one.checkVisibility());
    return all
      .filter((one) => {
        one.scrollIntoView({ block: 'nearest' });
        const { left, top, width, height } = one.getBoundingClientRect();
        return [0.15, 0.5, 0.85].some((share) => {
          const hit = document.elementFromPoint(left + width * share, top + height / 2);
          return hit === null || !(one.contains(hit) || one.closest('label')?.contains(hit) === true);
        });
      })
      .map((one) => one.outerHTML.slice(0, 120));
  }, selector);
}
