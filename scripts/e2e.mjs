// npm run e2e -- [a part of a test's name or file]: tests the whole mesh in real browsers, from the sources.
import { bin, steps } from './run.mjs';

const args = ['test', '--config', 'e2e/playwright.config.ts', ...process.argv.slice(2)];
await steps([
  ['compile the programs', process.execPath, ['scripts/compile.mjs']],
  ['end to end', bin('playwright'), args, { NODE_OPTIONS: '--conditions=@llmesh/source' }],
]);
