// npm run check: format, lint, types, documents, unit tests and acceptance suites, the built page and its budget, rooms.
import { bin, steps } from './run.mjs';

await steps([
  ['format', bin('oxfmt'), ['--check', '.']],
  ['lint', bin('oxlint'), ['--deny-warnings']],
  ['documents', process.execPath, ['scripts/docs.mjs']],
  ['lint the components', bin('eslint'), ['web/src']],
  ['types: core without DOM or Node', bin('tsc'), ['-p', 'core/tsconfig.pure.json']],
  ...['core', 'signaling', 'native-worker', 'e2e', 'bench', 'sim', 'attack'].map((name) => [
    `types: ${name}`,
    bin('tsc'),
    ['-p', name],
  ]),
  ['types: web', bin('svelte-check'), ['--tsconfig', 'web/tsconfig.json', '--fail-on-warnings', '--output', 'human']],
  ['compile the programs', process.execPath, ['scripts/compile.mjs']],
  ['unit tests and suites', bin('vitest'), ['run']],
  ['build the page', process.execPath, ['scripts/build.mjs']],
  ['bundle budget', process.execPath, ['scripts/budget.mjs']],
  ['rooms', process.execPath, ['scripts/rooms.mjs']],
]);
