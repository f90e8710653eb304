/** The start of a test about a visitor: a mesh of its own, and visits to its page. All are gone when it ends. */
import { test as base, type Browser, type Page } from '@playwright/test';
import { launch, openPage } from './browsers.ts';
import { tinyIsOffered } from './chat.ts';
import { startMesh, type TestMesh } from './mesh.ts';

export interface Visit {
  page: Page;
  /** The errors of the page's console. */
  errors: string[];
}

export const test = base.extend<
  {
    mesh: TestMesh;
    /** Chromium on the mesh's page, once somebody lends the tiny model. */
    visit: () => Promise<Visit>;
  },
  { ownBrowser: Browser }
>({
  // One for all tests of a worker: each visit is a context of its own, which shares nothing with another.
  ownBrowser: [
    // oxlint-disable-next-line no-empty-pattern -- as below.
    async ({}, use) => {
      const browser = await launch('chromium');
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads the needs of a fixture from it: there are none.
  mesh: async ({}, use) => {
    const mesh = await startMesh();
    await use(mesh);
    await mesh.stop();
  },
  visit: async ({ mesh, ownBrowser }, use) => {
    const pages: Page[] = [];
    await use(async () => {
      const visit = await openPage(ownBrowser, mesh.url);
      pages.push(visit.page);
      await tinyIsOffered(visit.page);
      return visit;
    });
    for (const page of pages) await page.context().close();
  },
});
