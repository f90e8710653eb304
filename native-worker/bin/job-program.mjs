// The program that runs one job, as a file that Node can start with nothing but the right to read it.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCompiled } from './sources.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const CORE = fileURLToPath(new URL('../../core', import.meta.url));
const LOG = fileURLToPath(new URL('../../log', import.meta.url));
let bundled = null;

/** `file`: what to start; `reads`: what it may read besides, its own code. */
export async function jobProgram() {
  if (existsSync(join(PACKAGE, 'src')) && !isCompiled([LOG, CORE, PACKAGE])) {
    bundled ??= bundle();
    return { file: await bundled, reads: [] };
  }
  const file = join(PACKAGE, 'dist/jobs/job-main.js');
  const around = dirname(PACKAGE);
  // Installed, it lies among the packages that it needs; in the repository, beside the folder that has them.
  const packages = around.endsWith('node_modules') ? around : join(around, 'node_modules');
  return { file, reads: [PACKAGE, packages, ...(existsSync(CORE) ? [CORE] : [])] };
}

/** The translator of our sources needs processes and threads, which a job does not get: it runs before, and here. */
async function bundle() {
  const { build } = await import('esbuild');
  const folder = mkdtempSync(join(os.tmpdir(), 'llmesh-job-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'job.mjs');
  await build({
    entryPoints: [join(PACKAGE, 'src/jobs/job-main.ts')],
    ...{ outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' },
    conditions: ['@llmesh/source'],
  });
  return outfile;
}
