/** Where tests of code that knows no DOM run: as in a page, but without the seconds that it takes to imitate one. */
import type { Environment } from 'vitest/runtime';

export default {
  name: 'no-dom',
  viteEnvironment: 'client',
  setup: () => ({ teardown: () => {} }),
} satisfies Environment;
