/** Runs one of our modules: compiled, if that exists and is no older than its source; else straight from the source. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file in `dist` whose modification time is when compiling began. */
export const NOTE = '.compiled';
/** A package needs its own sources, core's and the log's. */
const CORE = fileURLToPath(new URL('../../core', import.meta.url));
const LOG = fileURLToPath(new URL('../../log', import.meta.url));
const SIGNALING = fileURLToPath(new URL('../../signaling', import.meta.url));
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** `module`: below `src` and `dist`, without its ending. A published package has no sources. */
export async function load(module) {
  if (existsSync(join(PACKAGE, 'src')) && !isCompiled([LOG, CORE, PACKAGE])) {
    await readSources();
    await import(new URL(`../src/${module}.ts`, import.meta.url).href);
  } else await import(new URL(`../dist/${module}.js`, import.meta.url).href);
}

/** Runs `main` of @llmesh/signaling, which is a package beside ours. */
export async function loadControlPlane() {
  if (existsSync(join(SIGNALING, 'src')) && !isCompiled([LOG, CORE, SIGNALING])) await readSources();
  await import('@llmesh/signaling/main');
}

async function readSources() {
  const { register: registerTsx } = await import('tsx/esm/api');
  registerTsx();
  register('./source-condition.mjs', import.meta.url);
}

/** Whether the compiled output in these package folders is as new as all of their sources. */
export function isCompiled(packages) {
  const notes = packages.map((folder) => join(folder, 'dist', NOTE));
  if (!notes.every((note) => existsSync(note))) return false;
  const compiledMs = Math.min(...notes.map((note) => statSync(note).mtimeMs));
  return packages.every((folder) => newestMs(join(folder, 'src')) < compiledMs);
}

/** When anything was last written, added or removed below `folder`. */
function newestMs(folder) {
  const below = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? newestMs(path) : statSync(path).mtimeMs;
  });
  return Math.max(statSync(folder).mtimeMs, ...below);
}
