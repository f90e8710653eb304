// npm test: everything that `npm run check` does, then the whole mesh in real browsers.
import { bin, steps } from './run.mjs';

await steps([
  ['check', process.execPath, ['scripts/check.mjs']],
  ['end to end', bin('playwright'), ['test', '--config', 'e2e/playwright.config.ts', ...process.argv.slice(2)]],
]);
