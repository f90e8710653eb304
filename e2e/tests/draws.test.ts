/** The draws of an answer are the same in Chromium, Firefox and Node, and those that other programs compute. */
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { DRAWS_VECTOR, SEEDED_VECTOR, UNIFORM_VECTORS } from '@llmesh/core/proof/draw-vectors';
import { build, defaultClientConditions } from 'vite';
import { draw, type Drawn } from '../../web/src/testing/draws-page.ts';
import { ROOT } from '../src/processes.ts';
import { test } from '../src/visit.ts';

const asked = [
  SEEDED_VECTOR.seed,
  SEEDED_VECTOR.seeds.map(([position]) => position),
  UNIFORM_VECTORS.map(([seed]) => seed),
] as const;

async function script(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@llmesh/source', ...defaultClientConditions] },
    build: {
      write: false,
      target: 'es2023',
      lib: { entry: join(ROOT, 'web/src/testing/draws-page.ts'), formats: ['iife'], name: 'draws' },
    },
  });
  const [bundle] = [built].flat();
  if (bundle === undefined || !('output' in bundle)) throw new Error('nothing was built');
  return bundle.output[0].code;
}

test('every browser draws what Node draws, and what other programs do', async ({ commonBrowsers }) => {
  const here = draw(...asked);
  expect(here.seeded).toBe(SEEDED_VECTOR.draws);
  expect(here.drawn).toBe(DRAWS_VECTOR.draws);
  expect(here.seeds).toEqual(SEEDED_VECTOR.seeds.map(([, seed]) => seed));
  expect(here.uniforms).toEqual(UNIFORM_VECTORS.map(([, drawn]) => drawn));
  expect(new Set(here.tokens).size).toBeGreaterThan(100);
  const content = await script();
  for (const name of ['chromium', 'firefox'] as const) {
    const page = await (await commonBrowsers.get(name)).newPage();
    await page.addScriptTag({ content });
    const there = await page.evaluate(
      (all) => (globalThis as unknown as { draw: (...of: typeof all) => Drawn }).draw(...all),
      asked,
    );
    expect(there, name).toEqual(here);
    await page.close();
  }
});
