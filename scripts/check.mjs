// npm run check [-- --changed]: format, lint, types, documents, unit tests and acceptance suites, the built page and its budget,
// rooms. With --changed it checks only what has changed since the last commit, and the tests beside it.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { bin, steps, stepsSideBySide } from './run.mjs';

const TYPES = ['log', 'core', 'signaling', 'native-worker', 'e2e', 'bench', 'sim', 'attack', 'compat'];
const node = (name, script) => [name, process.execPath, [script]];
const types = (name) => [`types: ${name}`, bin('tsc'), ['-p', name]];
const WEB_ARGS = ['--tsconfig', 'web/tsconfig.json', '--fail-on-warnings', '--output', 'human'];

/** The longest first, so that none is left over in the end. */
const READS = [
  ['lint the components', bin('eslint'), ['web/src']],
  ['types: web', bin('svelte-check'), WEB_ARGS],
  ['lint', bin('oxlint'), ['--deny-warnings']],
  ['translations', process.execPath, ['scripts/words.mjs', '--check']],
  ['format', bin('oxfmt'), ['--check', '.']],
  ...TYPES.map(types),
  ['types: log without DOM or Node', bin('tsc'), ['-p', 'log/tsconfig.pure.json']],
  ['types: core without DOM or Node', bin('tsc'), ['-p', 'core/tsconfig.pure.json']],
  node('documents', 'scripts/docs.mjs'),
  node('rooms', 'scripts/rooms.mjs'),
];
const RUNS = [
  node('compile the programs', 'scripts/compile.mjs'),
  ['unit tests and suites', bin('vitest'), ['run']],
  node('build the page', 'scripts/build.mjs'),
  node('bundle budget', 'scripts/budget.mjs'),
];

if (process.argv.includes('--changed')) await steps(ofChanged());
else {
  await stepsSideBySide(READS);
  await steps(RUNS);
}

function ofChanged() {
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8' }).trim().split('\n');
  const named = [...git('diff', '--name-only', 'HEAD'), ...git('ls-files', '--others', '--exclude-standard')];
  const files = named.filter((file) => file !== '' && existsSync(file));
  const code = files.filter((file) => /\.(ts|mjs)$/.test(file));
  const components = files.filter((file) => /^web\/src\/.*\.(svelte|svelte\.ts)$/.test(file));
  const tests = code
    .map((file) => file.replace(/(\.svelte)?(\.test)?\.ts$/, '.test.ts'))
    .filter((file) => existsSync(file));
  const touched = (name) => files.some((file) => file.startsWith(`${name}/`));
  return [
    files.length > 0 && ['format', bin('oxfmt'), ['--check', ...files]],
    code.length > 0 && ['lint', bin('oxlint'), ['--deny-warnings', ...code]],
    node('documents', 'scripts/docs.mjs'),
    components.length > 0 && ['lint the components', bin('eslint'), components],
    ...TYPES.map((name) => [name, 'core', 'log'].some(touched) && types(name)),
    touched('web') && ['types: web', bin('svelte-check'), WEB_ARGS],
    tests.length > 0 && ['unit tests beside them', bin('vitest'), ['run', ...new Set(tests)]],
    node('rooms', 'scripts/rooms.mjs'),
  ].filter(Boolean);
}
