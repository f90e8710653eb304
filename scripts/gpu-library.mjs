// node scripts/gpu-library.mjs: builds models/tiny/gpu, the tiny model's library for web-llm, into the wasm file that is checked in beside it.
// node scripts/gpu-library.mjs --check: builds it elsewhere, and ends with code 1 when the bytes differ.
// The compiler takes 100 MB, so npm fetches it here and only here; the wasm carries the hash of what it was made from, which a test compares.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMPILER = 'assemblyscript@0.28.20';
const FLAGS = [
  ...['--runtime', 'minimal', '--optimize', '--use', 'abort=', '--exportStart', '_initialize'],
  // It warns where 64 bits would need a cast.
  ...['--disableWarning', '201'],
];
const FOLDER = join(import.meta.dirname, '..', 'models', 'tiny', 'gpu');
export const LIBRARY = join(FOLDER, 'tiny-web-llm.wasm');
/** A custom section: engines skip it. */
const SECTION = 'sources';

/** Of everything that decides about the bytes. */
export function hashOfSources() {
  const hash = createHash('sha256').update(JSON.stringify([COMPILER, FLAGS]));
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'));
  for (const name of names.sort()) {
    const content = readFileSync(join(FOLDER, name));
    hash.update(`\0${name}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** The hash that a library carries; null: it carries none. */
export function hashIn(wasm) {
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(wasm), SECTION);
  return section === undefined ? null : Buffer.from(section).toString('utf8');
}

function build() {
  const folder = mkdtempSync(join(tmpdir(), 'gpu-library-'));
  const out = join(folder, 'out.wasm');
  try {
    const compile = ['exec', '--yes', `--package=${COMPILER}`, '--', 'asc', 'library.ts', '--outFile', out, ...FLAGS];
    execFileSync('npm', compile, { cwd: FOLDER, stdio: 'inherit' });
    return Buffer.concat([readFileSync(out), sectionOf(hashOfSources())]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Lengths below 128 are one byte. */
function sectionOf(text) {
  const content = Buffer.concat([Buffer.from([SECTION.length]), Buffer.from(SECTION), Buffer.from(text)]);
  return Buffer.concat([Buffer.from([0, content.length]), content]);
}

if (process.argv[1] === import.meta.filename) {
  const wasm = build();
  if (!process.argv.includes('--check')) writeFileSync(LIBRARY, wasm);
  else if (!wasm.equals(readFileSync(LIBRARY))) {
    process.stderr.write(`${LIBRARY} is not what its sources make. Run node scripts/gpu-library.mjs.\n`);
    process.exitCode = 1;
  }
}
