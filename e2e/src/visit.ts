/** The start of a test about a visitor: a mesh, and visits to its page. What a test alone has is gone when it ends. */
import { test as base, type Page } from '@playwright/test';
import { Browsers, openPage, type BrowserName } from './browsers.ts';
import { tinyIsOffered } from './chat.ts';
import { startMesh, type TestMesh } from './mesh.ts';
import type { Running } from './processes.ts';

export interface Visit {
  page: Page;
  /** The errors of the page's console. */
  errors: string[];
}

/** A mesh and its only provider, which takes one question at a time and writes slowly enough to be watched. */
export interface CommonMesh extends TestMesh {
  worker: Running;
}

/** A mesh of its own for each test. All that is `common` is shared by the tests of one of Playwright's workers. */
export const test = base.extend<
  {
    mesh: TestMesh;
    /** The mesh's page at this path, the first one without it. It is closed when the test ends. */
    visitIn: (name: BrowserName, path?: string) => Promise<Visit>;
    /** Chromium on the mesh's page, once somebody lends the tiny model. */
    visit: () => Promise<Visit>;
  },
  {
    commonBrowsers: Browsers;
    commonMesh: CommonMesh;
  }
>({
  // Each visit is a context of its own, which shares nothing with another.
  commonBrowsers: [
    // oxlint-disable-next-line no-empty-pattern -- Playwright reads the needs of a fixture from it: there are none.
    async ({}, use) => {
      const browsers = new Browsers();
      await use(browsers);
      await browsers.close();
    },
    { scope: 'worker' },
  ],
  commonMesh: [
    // oxlint-disable-next-line no-empty-pattern -- as above.
    async ({}, use) => {
      const mesh = await startMesh();
      const worker = await mesh.addWorker('--slots', '1', '--max-speed', '15');
      await use({ ...mesh, worker });
      await mesh.stop();
    },
    { scope: 'worker' },
  ],
  // oxlint-disable-next-line no-empty-pattern -- as above.
  mesh: async ({}, use) => {
    const mesh = await startMesh();
    await use(mesh);
    await mesh.stop();
  },
  visitIn: async ({ mesh, commonBrowsers }, use) => {
    const pages: Page[] = [];
    await use(async (name, path = '') => {
      const visit = await openPage(await commonBrowsers.get(name), mesh.url + path);
      pages.push(visit.page);
      return visit;
    });
    for (const page of pages) await page.context().close();
  },
  visit: async ({ visitIn }, use) => {
    await use(async () => {
      const visit = await visitIn('chromium');
      await tinyIsOffered(visit.page);
      return visit;
    });
  },
});

/** For tests that leave the provider as it was: starting one takes longer than most of them. */
export const onCommonMesh = test.extend({ mesh: ({ commonMesh }, use) => use(commonMesh) });
