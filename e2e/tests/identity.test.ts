/** Who a browser is: the same at each visit, in one tab at a time. */
import { expect, type Page } from '@playwright/test';
import { wide, type BrowserName } from '../src/browsers.ts';
import { onCommonMesh as test } from '../src/visit.ts';

/** The name, as "quiet-otter, qz3f kp7x", once the mesh has let it in. */
async function whoIs(page: Page): Promise<string> {
  await expect(page.getByText(/connected\./)).toBeVisible();
  const sentence = await page.getByText(/^You are /).textContent();
  return /You are (?<name>[a-z]+-[a-z]+, [a-z2-7]{4} [a-z2-7]{4})\.$/.exec(sentence ?? '')?.groups?.['name'] ?? '';
}

for (const name of ['chromium', 'firefox'] satisfies BrowserName[]) {
  test(
    `${name} is the same peer after each reload, and another in a second tab`,
    { tag: wide(name) },
    async ({ mesh, commonBrowsers }) => {
      const browser = await commonBrowsers.get(name);
      const context = await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce' });
      const first = await context.newPage();
      await first.goto(`${mesh.url}/network`);
      const self = await whoIs(first);
      expect(self).not.toBe('');
      for (let i = 0; i < 2; i++) {
        await first.reload();
        expect(await whoIs(first)).toBe(self);
      }
      const second = await context.newPage();
      await second.goto(`${mesh.url}/network`);
      expect(await whoIs(second)).not.toBe(self);
      await first.close();
      await second.reload();
      expect(await whoIs(second)).toBe(self);
      await second.goto(mesh.url);
      await expect(
        second.getByRole('img', { name: 'Encrypted between you and the volunteer. The server can’t read it.' }),
      ).toBeVisible();
      await context.close();
    },
  );
}
