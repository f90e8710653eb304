/** The programs of this repository: compiled once, as starting one from its sources takes up to twice the time. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isCompiled, NOTE } from '../native-worker/bin/sources.mjs';

const ROOT = join(import.meta.dirname, '..');
const PACKAGES = ['log', 'core', 'signaling', 'native-worker'];
const FROM_SOURCE = ['--import', 'tsx', '--conditions=@llmesh/source'];

/** Node's arguments for `file`, a TypeScript file below a package's `src`: the compiled output runs where it is up to date. */
export function programArgs(file) {
  const [name = '', ...rest] = file.split('/');
  const compiled = join(ROOT, name, 'dist', ...rest.slice(1)).replace(/\.ts$/, '.js');
  const fresh = existsSync(compiled) && isCompiled([join(ROOT, 'log'), join(ROOT, 'core'), join(ROOT, name)]);
  return fresh ? [compiled] : [...FROM_SOURCE, join(ROOT, file)];
}

/** The environment for it: the condition that selects the sources must not reach compiled programs. */
export function programEnv(env = {}) {
  const { NODE_OPTIONS: options = '', ...others } = process.env;
  const kept = options.replace('--conditions=@llmesh/source', '').trim();
  return { ...others, ...(kept !== '' && { NODE_OPTIONS: kept }), ...env };
}

/** Compiles what has changed, without type checks: `npm run check` does those. Rejects with the compiler's output. */
export async function compilePrograms() {
  if (isCompiled(PACKAGES.map((name) => join(ROOT, name)))) return;
  const began = new Date();
  await Promise.all(PACKAGES.map(compile));
  for (const name of PACKAGES) {
    const note = join(ROOT, name, 'dist', NOTE);
    writeFileSync(note, '');
    utimesSync(note, began, began);
  }
}

async function compile(name) {
  rmSync(join(ROOT, name, 'dist'), { recursive: true, force: true });
  mkdirSync(join(ROOT, name, 'dist'));
  const tsc = join(ROOT, 'node_modules/@typescript/native/bin/tsc');
  const args = ['-p', join(ROOT, name, 'tsconfig.build.json'), '--noCheck', '--declaration', 'false'];
  const child = spawn(process.execPath, [tsc, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`${name} could not be compiled:\n${said.slice(0, 4000)}`);
}
