/** A process that starts the control plane on a data folder, asks it what a stranger asks, and says what that took. */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { startControlPlane } from '@llmesh/signaling/server';

export interface RestartFigures {
  /** From nothing to a control plane that answers and takes events. */
  restartSeconds: number;
  /** Of processor time, which says the same on a busy computer. */
  restartCpuSeconds: number;
  memoryMiB: number;
  /** A page of a history from its first third, which only files have where there are a million events. */
  oldPageMs: number;
}

const [dataFolder = '', peer = '', before = ''] = process.argv.slice(2);
const [began, used] = [performance.now(), process.cpuUsage()];
// Without the page, which is no part of this.
const webFolder = join(dataFolder, 'no-page');
const plane = await startControlPlane({ port: 0, host: '127.0.0.1', webFolder, dataFolder });
const restartSeconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage(used);
const asked = performance.now();
const page = await fetch(`${plane.local}/api/postings?peer=${peer}&before=${before}`);
if (!page.ok || ((await page.json()) as { postings: unknown[] }).postings.length === 0)
  throw new Error(`${realpathSync(dataFolder)} has no past (HTTP ${page.status}).`);
const oldPageMs = Math.round(performance.now() - asked);
const figures: RestartFigures = {
  restartSeconds: Number(restartSeconds.toFixed(2)),
  restartCpuSeconds: Number(((user + system) / 1_000_000).toFixed(2)),
  memoryMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
  oldPageMs,
};
await plane.close();
// Threads that check signatures stay, as in the mesh itself.
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
