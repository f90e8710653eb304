// npm test: runs everything that `npm run check` does, then the whole mesh in real browsers.
import { steps } from './run.mjs';

await steps([
  ['check', process.execPath, ['scripts/check.mjs']],
  ['end to end', process.execPath, ['scripts/e2e.mjs', ...process.argv.slice(2)]],
]);
