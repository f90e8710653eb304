/**
 * What Lighthouse can say whatever the machine has to do, and what the page may weigh before anybody touches it: `npm run
 * bench -- lighthouse` asks for the speed as well.
 */
import { expect } from '@playwright/test';
import { judge, type Category } from '../src/lighthouse.ts';
import { onCommonMesh as test } from '../src/visit.ts';

const SURE: readonly Category[] = ['accessibility', 'best-practices', 'seo'];

/** In bytes, with fonts and pictures; the script alone has its budget in `scripts/budget.mjs`. */
const BUDGETS = { '/': 380_000, '/donate': 480_000, '/network': 380_000 };
/** Of which half come from the browser's memory: parts are fetched before they are imported. */
const MOST_REQUESTS = 150;

for (const [path, mostBytes] of Object.entries(BUDGETS)) {
  test(
    `Lighthouse finds hardly anything to say about ${path}`,
    { tag: path === '/' ? [] : ['@wide'] },
    async ({ mesh }) => {
      test.setTimeout(180_000);
      const { scores, faults, weight } = await judge(mesh.url + path, 'phone', [...SURE, 'performance']);
      for (const category of SURE) expect(scores[category], faults.join('\n')).toBeGreaterThanOrEqual(95);
      expect(weight?.layoutShift).toBeLessThan(0.1);
      expect(weight?.transferredBytes).toBeLessThan(mostBytes);
      expect(weight?.requests).toBeLessThan(MOST_REQUESTS);
    },
  );
}
