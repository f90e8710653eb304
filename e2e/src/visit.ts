/** The start of a test about a visitor: a mesh of its own, and a browser on its page. Both are gone when it ends. */
import { test as base, type Page } from '@playwright/test';
import { launch, openPage } from './browsers.ts';
import { tinyIsOffered } from './chat.ts';
import { startMesh, type TestMesh } from './mesh.ts';

export interface Visit {
  page: Page;
  /** The errors of the page's console. */
  errors: string[];
}

export const test = base.extend<{
  mesh: TestMesh;
  /** Chromium on the mesh's page, once somebody lends the tiny model. */
  visit: () => Promise<Visit>;
}>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads the needs of a fixture from it: there are none.
  mesh: async ({}, use) => {
    const mesh = await startMesh();
    await use(mesh);
    await mesh.stop();
  },
  visit: async ({ mesh }, use) => {
    const browser = await launch('chromium');
    await use(async () => {
      const visit = await openPage(browser, mesh.url);
      await tinyIsOffered(visit.page);
      return visit;
    });
    await browser.close();
  },
});
