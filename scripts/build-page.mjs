/** Builds the page, and tells whether its sources have changed since. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packFiles } from './pack-files.mjs';

const SOURCES = [
  'web',
  'core/src',
  'log/src',
  'vite.config.ts',
  'scripts/words',
  'scripts/pack-files.mjs',
  'scripts/parts-ahead.mjs',
  'models/catalogue.json',
  'models/tiny/gpu/tiny-web-llm.wasm',
  'package-lock.json',
];
const NOT_SOURCES = new Set(['dist', 'node_modules', '.svelte-kit', '.wuchale', 'data.js']);

/** Whether the built page is there and up to date. */
export function pageIsBuilt(root) {
  const stamp = stampFile(root);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(root);
}

/** Rejects with the output of a failed build, or with the reason of `signal`. */
export async function buildPage(root, signal) {
  const before = fingerprint(root);
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const { code, output } = await run([vite, 'build'], root, signal);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`The page could not be built:\n${output.trim().slice(-4000)}`);
  await packFiles(join(root, 'web', 'dist'));
  signal.throwIfAborted();
  // The stamp is that from before: what was saved meanwhile may not be in the build.
  writeFileSync(stampFile(root), before);
}

function stampFile(root) {
  return join(root, 'web', 'dist', '.stamp');
}

/** Covers names and contents; times would change with every checkout. */
function fingerprint(root) {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap((source) => filesIn(join(root, source)))) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

function filesIn(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).sort();
  return names
    .filter((name) => !NOT_SOURCES.has(name) && !name.endsWith('.test.ts'))
    .flatMap((name) => filesIn(join(path, name)));
}

function run(args, cwd, signal) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = () => child.kill('SIGKILL');
    signal.addEventListener('abort', stop, { once: true });
    let output = '';
    const collect = (text) => (output += text);
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => {
      signal.removeEventListener('abort', stop);
      resolve({ code, output });
    });
  });
}
