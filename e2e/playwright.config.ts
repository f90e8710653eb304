import { defineConfig } from '@playwright/test';
import { isWide } from './src/browsers.ts';

export default defineConfig({
  testDir: './tests',
  outputDir: '../test-results',
  // Each test brings up processes and browsers of its own, and mostly waits for them.
  workers: 3,
  timeout: 90_000,
  // On a busy computer the first words take a while.
  expect: { timeout: 20_000 },
  // `npm test` has ten minutes: what repeats a walk in Firefox, or is long and beside the main ways, waits for `WIDE=1 npm run e2e`.
  grepInvert: isWide ? [] : /@wide/,
  // A shared machine can stall for longer than a person waits. A test that needs a second try is listed as flaky.
  retries: process.env['CI'] === undefined ? 0 : 2,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: [['list']],
});
