/** The floor: the same words in a `<pre>` of a page that has nothing else. */
import type { Browser, Page } from '@playwright/test';
import { watchFrames, untilShown, type Noticed } from './frames.ts';

export interface PlainPage {
  openMs: number;
  stream(words: readonly string[], perSecond: number): Promise<Noticed>;
  close(): Promise<void>;
}

export async function openPlainPage(browser: Browser, text: string, lastWords: string): Promise<PlainPage> {
  const page: Page = await browser.newPage();
  await page.setContent(
    '<button id="open">Open</button><pre id="text" style="white-space: pre-wrap; height: 80vh; overflow: auto"></pre>',
  );
  await page.evaluate((all) => {
    const pre = document.querySelector('#text')!;
    document.querySelector('#open')!.addEventListener('click', () => {
      pre.textContent = all;
      pre.scrollTop = pre.scrollHeight;
    });
  }, text);
  return {
    openMs: await untilShown(page.locator('#open'), '#text', lastWords),
    async stream(words, perSecond) {
      const noticed = await watchFrames(page);
      await page.evaluate(
        async ([all, everyMs]) => {
          const pre = document.querySelector('#text')!;
          for (const word of all) {
            pre.append(word);
            pre.scrollTop = pre.scrollHeight;
            await new Promise((resolve) => setTimeout(resolve, everyMs));
          }
        },
        [words, 1000 / perSecond] as const,
      );
      return noticed();
    },
    close: () => page.close(),
  };
}
