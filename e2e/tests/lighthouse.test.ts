/** What Lighthouse can say whatever the machine has to do: `npm run bench -- lighthouse` asks for the speed as well. */
import { expect } from '@playwright/test';
import { judge, type Category } from '../src/lighthouse.ts';
import { onCommonMesh as test } from '../src/visit.ts';

const SURE: readonly Category[] = ['accessibility', 'best-practices', 'seo'];

for (const path of ['/', '/donate', '/network']) {
  test(
    `Lighthouse finds hardly anything to say about ${path}`,
    { tag: path === '/' ? [] : ['@wide'] },
    async ({ mesh }) => {
      test.setTimeout(180_000);
      const { scores, faults } = await judge(mesh.url + path, 'phone', SURE);
      for (const category of SURE) expect(scores[category], faults.join('\n')).toBeGreaterThanOrEqual(95);
    },
  );
}
