/** An answer that others check, as the person who asked sees it: drawn, read again by another worker, and kept with its evidence. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { CALIBRATIONS } from '@llmesh/core/proof/calibration-table';
import { calibrationFor } from '@llmesh/core/proof/calibration';
import { recount } from '@llmesh/core/proof/recount';
import { openIdentity } from 'llmesh/node/identity-file';
import { answered, ask, lastAnswer, tinyIsOffered } from '../src/chat.ts';
import { tabTo } from '../src/keys.ts';
import { startMesh } from '../src/mesh.ts';
import { look } from '../src/pictures.ts';
import { known } from '../src/questions.ts';
import { test } from '../src/visit.ts';

async function newFolder(): Promise<{ folder: string; peerId: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'llmesh-e2e-'));
  const self = await openIdentity(folder);
  await self.close();
  return { folder, peerId: self.identity.peerId };
}

test('an answer is checked by another worker, and whoever asked can read what was found', async ({
  commonBrowsers,
}) => {
  test.setTimeout(300_000);
  const workers = [await newFolder(), await newFolder()];
  const mesh = await startMesh({
    LLMESH_RELAY_LINKS: '100',
    LLMESH_AUDIT_SHARE: '1',
    LLMESH_AUDIT_EPOCH_MS: '200',
    // Whichever of the two answers, the other one is the operator's auditor.
    LLMESH_AUDITORS: workers.map(({ peerId }) => peerId).join(),
  });
  try {
    for (const { folder } of workers) await mesh.addWorker('--data', folder);
    const browser = await commonBrowsers.get('chromium');
    const context = await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(mesh.url);
    await tinyIsOffered(page);
    await ask(page, known[0]!.question);
    await answered(page);

    // The mark says no more than the table of honest noise allows.
    const mark = lastAnswer(page).getByText(/^(Checked: agrees|Not checked)$/);
    await expect(mark).toBeVisible({ timeout: 60_000 });
    await page.getByRole('textbox', { name: 'Message' }).focus();
    await tabTo(page, mark);
    await page.keyboard.press('Enter');
    await expect(lastAnswer(page).getByRole('list', { name: 'Who checked it' })).toContainText('llama.cpp/cpu');
    await look(page, 'checked');

    const saving = page.waitForEvent('download');
    await lastAnswer(page).getByRole('button', { name: 'Save the evidence' }).click();
    const recounted = recount(await readFile(await (await saving).path()));
    expect(recounted.drawn).toBe(true);
    expect(recounted.found).toHaveLength(1);
    const { report } = recounted.found[0]!;
    expect(workers.map(({ peerId }) => peerId)).toContain(report.auditor);
    // One worker's engine finds its own words again.
    expect(Math.max(...report.deviations)).toBe(0);
    const pair = {
      provider: report.providerEngine,
      auditor: report.auditorEngine,
      mode: report.mode!,
      file: report.file,
    };
    const isMeasured = calibrationFor(CALIBRATIONS, pair) !== null;
    expect(recounted.verdict).toBe(isMeasured ? 'agrees' : 'unknown');
    await expect(mark).toHaveText(isMeasured ? 'Checked: agrees' : 'Not checked');

    await page.reload();
    await expect(mark).toBeVisible();
    await page.goto(`${mesh.url}/network`);
    await expect(page.getByRole('region', { name: 'Checks by engine' })).toContainText('llama.cpp/cpu');
    await look(page, 'network');
    await page.goto(`${mesh.url}/settings`);
    await expect(page.getByRole('switch', { name: 'Let answers be checked' })).toBeChecked();
    await look(page, 'settings');
    await page.goto(`${mesh.url}/donate`);
    await expect(page.getByRole('switch', { name: /^Check answers of others when idle/ })).toBeChecked();
    await look(page, 'donate');
    await context.close();
  } finally {
    await mesh.stop();
    for (const { folder } of workers) await rm(folder, { recursive: true });
  }
});
