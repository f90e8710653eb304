// npm test: runs everything that `npm run check` does, then other people's clients against a mesh of processes (npm run compat, about
// a minute), then the whole mesh in real browsers.
import { steps } from './run.mjs';

await steps([
  ['check', process.execPath, ['scripts/check.mjs']],
  ['clients', process.execPath, ['--import', 'tsx', '--conditions=@llmesh/source', 'compat/src/main.ts']],
  ['end to end', process.execPath, ['scripts/e2e.mjs', ...process.argv.slice(2)]],
]);
