import { svelte } from '@sveltejs/vite-plugin-svelte';
import { availableParallelism } from 'node:os';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const source = '@llmesh/source';
/** Many start programs, which takes a busy computer a while. It only ends what hangs. */
const testTimeout = 120_000;
/** What a test waits for by looking again and again; by default it gives up after a second. */
const expectation = { poll: { timeout: 30_000 } };
/** Real sockets on a busy machine: what fails once there is tried once more, and listed as retried. */
const retry = process.env['CI'] === undefined ? 0 : 1;
/** Nothing of ours keeps anything in a module: each is loaded once by a worker of vitest, not once for every file of tests. */
const isolate = false;
/**
 * `npm test` has ten minutes. What is long and repeats the main ways in processes of its own, or has a command of its own as attacks
 * and simulations do, waits for `WIDE=1 npm run unit`; whoever names a file of tests gets it in any case.
 */
const isWide = process.env['WIDE'] === '1' || process.argv.some((arg) => arg.includes('.test.'));
const WIDE: Readonly<Record<string, readonly string[]>> = {
  attack: ['attack'],
  core: ['models/swarm/churn'],
  'native-worker': [
    'audit/known-answers',
    'cli/standard-stream',
    'commands/models/models-deltas',
    'commands/models/models-from-peers',
    'commands/worker-settings',
    'gateway/clients',
    'lend/guest',
    'llama/draft/draft',
    'llama/score/attacks',
    'mcp/mcp',
    'models/pieces/killed',
    'node/cheat',
    'node/paths',
    'node/proxied',
    'node/same-name',
  ],
  sim: ['sim', 'economy/attacks'],
};
/** It makes the packages, for which it builds in the folders that other tests start programs from: it runs alone, where it is named. */
const ALONE = process.argv.some((arg) => arg.includes('own-network')) ? [] : ['own-network.test.mjs'];
const node = (name: string) => ({
  resolve: { conditions: [source, ...defaultServerConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  test: {
    name,
    root: `./${name}`,
    include: ['src/**/*.test.ts'],
    exclude: isWide ? [] : (WIDE[name] ?? []).map((file) => `src/${file}.test.ts`),
    testTimeout,
    hookTimeout: testTimeout,
    expect: expectation,
    retry,
    isolate,
  },
});

/** Outside `ui`, few tests need an imitation of the DOM, which takes seconds for each file. */
const OF_DOM = [
  'src/ui/**/*.test.ts',
  'src/adapters/{idb-store,part-files}.test.ts',
  'src/state/shell/talk-address.test.ts',
];
const web = (name: string, where: { include: string[]; exclude?: string[]; environment: string }) => ({
  plugins: [svelte()],
  resolve: { conditions: [source, 'browser', ...defaultClientConditions] },
  test: { name, root: './web', ...where, testTimeout, expect: expectation, retry, isolate },
});

export default defineConfig({
  test: {
    // Many wait for a clock or another process: one more than there are cores, not one less.
    maxWorkers: availableParallelism() + 1,
    projects: [
      node('log'),
      node('core'),
      node('signaling'),
      node('native-worker'),
      node('sim'),
      node('attack'),
      {
        test: {
          name: 'scripts',
          root: './scripts',
          include: ['*.test.mjs'],
          exclude: ALONE,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      web('web', { include: ['src/**/*.test.ts'], exclude: OF_DOM, environment: './src/testing/no-dom.ts' }),
      web('web ui', { include: OF_DOM, environment: 'jsdom' }),
    ],
  },
});
