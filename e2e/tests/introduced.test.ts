/** Signalling through a mutual peer, on the WebRTC of real browsers. */
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { build } from 'vite';
import { wide } from '../src/browsers.ts';
import type { IntroductionOutcome } from '../src/introduction-page.ts';
import { ROOT } from '../src/processes.ts';
import { test } from '../src/visit.ts';

let script = '';
test.beforeAll(async () => {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@llmesh/source'] },
    build: {
      write: false,
      lib: { entry: join(ROOT, 'e2e/src/introduction-page.ts'), formats: ['iife'], name: 'introduction' },
    },
  });
  const [bundle] = [built].flat();
  if (bundle === undefined || !('output' in bundle)) throw new Error('nothing was built');
  script = bundle.output[0].code;
});

for (const name of ['chromium', 'firefox'] as const) {
  test(`${name} meets a peer through a mutual one`, { tag: wide(name) }, async ({ commonBrowsers }) => {
    const page = await (await commonBrowsers.get(name)).newPage();
    await page.addScriptTag({ content: script });
    const outcome = await page.evaluate(() =>
      (globalThis as unknown as { introduce: () => Promise<IntroductionOutcome> }).introduce(),
    );
    expect(outcome).toEqual({ arrived: 300, whole: true, path: 'direct', closed: true });
    await page.close();
  });
}
