import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: './tests',
  outputDir: '../test-results',
  // Each test brings up processes and browsers of its own; two cores carry one at a time.
  workers: 1,
  timeout: 90_000,
  // A shared machine can stall for longer than a person waits. What passes only the second time is listed as flaky.
  retries: process.env['CI'] === undefined ? 0 : 1,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: [['list']],
});
