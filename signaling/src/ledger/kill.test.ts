/** A few rounds of what `npm run bench -- ledger --kills 100` does: real processes, real files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killRounds } from '../testing/kill-rounds.ts';

test('a ledger that is killed at any moment has all that it acknowledged, and every balance follows from its events', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'llmesh-kill-'));
  try {
    const figures = await killRounds(folder, 2, 400);
    expect(figures).toMatchObject({ lostEvents: 0, recountDifferences: 0, brokenCheckpoints: 0 });
    expect(figures.acknowledged).toBeGreaterThan(10);
    expect(figures.checkpoints).toBeGreaterThan(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
