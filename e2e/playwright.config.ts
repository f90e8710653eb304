import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: './tests',
  outputDir: '../test-results',
  // Each test brings up processes and browsers of its own; two cores carry one at a time.
  workers: 1,
  timeout: 90_000,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: [['list']],
});
