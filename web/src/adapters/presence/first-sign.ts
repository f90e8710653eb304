/** When somebody is there: what they may do next is fetched then, and not while the page still shows itself. */

/** What a person does with a page, on whatever device; the page itself moves its focus and scrolls, too. */
const SIGNS = ['pointerdown', 'pointermove', 'touchstart', 'wheel', 'keydown', 'input', 'dragenter'] as const;

/** Resolves with the first of them, and when the browser has a moment. */
export async function firstSign(page: Window): Promise<void> {
  await new Promise<void>((resolve) => {
    const seen = new AbortController();
    const sign = () => {
      seen.abort();
      resolve();
    };
    for (const name of SIGNS) page.addEventListener(name, sign, { signal: seen.signal, capture: true, passive: true });
  });
  await idle(page);
}

/** Safari has no such moments. */
function idle(page: Window & Partial<Pick<Window, 'requestIdleCallback'>>): Promise<void> {
  return new Promise((resolve) => {
    if (page.requestIdleCallback === undefined) page.setTimeout(resolve);
    else page.requestIdleCallback(() => resolve(), { timeout: 1_000 });
  });
}
