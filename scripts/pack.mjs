// npm run pack [-- --check]: packs what is published, @llmesh/log, @llmesh/core, llmesh and @llmesh/signaling, as .tgz in
// dist/packages.
// --check installs them in an empty folder, runs the command there, and says how much room they take.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildPage, pageIsBuilt } from './build-page.mjs';
import { bin } from './run.mjs';

const OUT = resolve('dist/packages');
/** Each needs those before it. */
const PACKAGES = ['log', 'core', 'native-worker', 'signaling'];
/**
 * What llama.cpp needs on each kind of machine, for its processor, or its Metal. node-llama-cpp would install 725 MB, most
 * of it for graphics cards that the machine does not have; owners of one add its package.
 */
const ENGINES = ['linux-x64', 'linux-arm64', 'mac-arm64-metal', 'mac-x64', 'win-x64', 'win-arm64'];

/** Below this our own packages reach into core once they are published; nobody else should. */
const INTERNAL = 'internal';

/** A program that runs in the empty folder. */
const LOADS_A_MODEL = `
import { LlamaEngine } from 'llmesh/engine';
import { modelsFolder } from 'llmesh/models';
const signal = new AbortController().signal;
const engine = new LlamaEngine();
await engine.load({ path: modelsFolder() + 'tiny/llmesh-tiny.gguf', gpu: 'off', threads: 1 }, () => {}, signal);
let text = '';
const turns = [{ role: 'user', content: 'What is LLMesh?' }];
for await (const piece of engine.generate({ turns, sampling: { temperature: 0 }, maxTokens: 8 }, signal)) text += piece.text;
await engine.close();
console.log(text);
`;

const CLIENT = `
import { connect } from '@llmesh/core/client';
import { MeshError } from '@llmesh/core/errors';
try { await connect('http://127.0.0.1:9', { signal: AbortSignal.timeout(2000) }); } catch (error) { console.log(error instanceof MeshError && error.code); }
for (const inside of ['@llmesh/core/base/errors', 'llmesh/llama/llama-engine']) {
  await import(inside).then(() => console.log(inside + ' is public'), () => {});
}
`;

/** A log as a stranger makes and reads one, with nothing else installed. */
const LOG = `
import { signWith } from '@llmesh/log/base/ed25519';
import { signCheckpoint } from '@llmesh/log/note/checkpoint';
import { noteKey, writeKey } from '@llmesh/log/note/key';
import { LogReader } from '@llmesh/log/read/log-reader';
import { TileAppender } from '@llmesh/log/tree/tile-appender';
import { tilePath } from '@llmesh/log/tree/tile';
import { readPolicy } from '@llmesh/log/witness/policy';
const { signal } = new AbortController();
const bytes = (text) => new TextEncoder().encode(text);
const { publicKey, sign } = signWith(crypto.getRandomValues(new Uint8Array(32)));
const key = noteKey('example.com/log', 'note', publicKey);
const { size, root, tiles } = (await TileAppender.open(0, async () => null)).append(['a', 'b', 'c'].map(bytes));
const files = new Map(tiles.map((each) => [tilePath(each.tile), each.bytes]));
files.set('checkpoint', bytes(await signCheckpoint({ origin: key.name, size, root, extensions: [] }, { key, sign }, 1)));
const policy = readPolicy(bytes('log ' + writeKey(key) + '\\nquorum none\\n'));
const reader = new LogReader({ policy, fetch: async (path) => files.get(path) ?? null });
const tree = await reader.tree((await reader.checkpoint(signal)).checkpoint, signal);
for await (const { leaves } of tree.leaves(0, size)) console.log(leaves.map((leaf) => new TextDecoder().decode(leaf)).join(''));
`;

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const writeJson = (file, value) => writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
const npm = (args, cwd) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
for (const name of PACKAGES) {
  rmSync(join(name, 'dist'), { recursive: true, force: true });
  execFileSync(bin('tsc'), ['-p', join(name, 'tsconfig.build.json')], { stdio: 'inherit' });
}
const work = mkdtempSync(join(tmpdir(), 'llmesh-pack-'));
try {
  if (!pageIsBuilt('.')) await buildPage('.', new AbortController().signal);
  const prepare = { 'native-worker': bundleLlama, signaling: addPage };
  const packed = PACKAGES.map((name) => pack(name, prepare[name] ?? (() => {})));
  if (process.argv.includes('--check')) check(packed);
} finally {
  rmSync(work, { recursive: true });
  // In the workspace the sources are used; a build left there would become stale.
  for (const name of PACKAGES) rmSync(join(name, 'dist'), { recursive: true });
}

/** A copy of what is published, so that the workspace stays as it is. */
function pack(name, prepare) {
  const stage = join(work, name);
  for (const part of ['dist', 'bin', 'README.md', 'package.json']) {
    if (existsSync(join(name, part))) cpSync(join(name, part), join(stage, part), { recursive: true });
  }
  cpSync('LICENSE', join(stage, 'LICENSE'));
  const manifest = readJson(join(stage, 'package.json'));
  forgetSources(manifest.exports);
  forgetSources(manifest.imports ?? {});
  // In the workspace each file may be imported. Others get the names that are promised to stay; of the log, all of them.
  const { './*': inside, ...promised } = manifest.exports;
  if (name === 'core') manifest.exports = { ...promised, [`./${INTERNAL}/*`]: inside };
  if (name === 'native-worker') manifest.exports = promised;
  if (name === 'signaling') manifest.exports = { './main': './dist/main.js' };
  for (const file of filesIn(join(stage, 'dist'))) takeInternals(file);
  prepare(stage, manifest);
  writeJson(join(stage, 'package.json'), manifest);
  const [{ filename, size, unpackedSize }] = JSON.parse(npm(['pack', '--json', '--pack-destination', OUT], stage));
  process.stdout.write(`${filename}: ${megabytes(size)} MB, ${megabytes(unpackedSize)} MB unpacked\n`);
  return join(OUT, filename);
}

function filesIn(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => /\.(js|d\.ts)$/.test(name));
  return names.map((name) => join(folder, name));
}

function takeInternals(file) {
  const code = readFileSync(file, 'utf8');
  const taken = code.replaceAll(/(["'])@llmesh\/core\/(?=[\w/.-]+\1)/g, `$1@llmesh/core/${INTERNAL}/`);
  if (taken !== code) writeFileSync(file, taken);
}

/** Nobody else has them. */
function forgetSources(targets) {
  delete targets['@llmesh/source'];
  for (const target of Object.values(targets)) if (typeof target === 'object') forgetSources(target);
}

/** The control plane serves the page. */
function addPage(stage) {
  cpSync('docs/your-own-network.md', join(stage, 'README.md'));
  cpSync('web/dist', join(stage, 'web'), { recursive: true });
}

/** llama.cpp's bindings travel inside the package, without its sources and without the wish for every graphics card. */
function bundleLlama(stage, manifest) {
  cpSync('docs/run-a-worker.md', join(stage, 'README.md'));
  for (const part of ['catalogue.json', 'known-answers.json', 'tiny/llmesh-tiny.gguf', 'tiny/questions.json']) {
    cpSync(join('models', part), join(stage, 'models', part));
  }
  rmSync(join(stage, 'bin/source-condition.mjs'), { force: true });
  const version = manifest.dependencies['node-llama-cpp'];
  const only = { name: 'stage', version: '0.0.0', dependencies: { 'node-llama-cpp': version } };
  writeJson(join(stage, 'package.json'), only);
  npm(['install', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'], stage);
  const llama = join(stage, 'node_modules/node-llama-cpp');
  for (const part of readdirSync(join(llama, 'llama'))) {
    // Keep the file that says which prebuilt binary this is.
    if (!part.endsWith('.json')) rmSync(join(llama, 'llama', part), { recursive: true });
  }
  const bindings = readJson(join(llama, 'package.json'));
  delete bindings.optionalDependencies;
  delete bindings.scripts;
  writeJson(join(llama, 'package.json'), bindings);
  manifest.bundleDependencies = ['node-llama-cpp'];
  manifest.optionalDependencies = Object.fromEntries(ENGINES.map((name) => [`@node-llama-cpp/${name}`, version]));
}

function check(packed) {
  const folder = join(work, 'empty');
  mkdirSync(folder);
  writeJson(join(folder, 'package.json'), { name: 'empty', private: true });
  const beganMs = performance.now();
  npm(['install', '--no-audit', '--no-fund', ...packed], folder);
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
  const kilobytes = Number(
    execFileSync('du', ['-sk', 'node_modules'], { cwd: folder, encoding: 'utf8' }).split('\t')[0],
  );
  const run = (...args) => execFileSync(args[0], args.slice(1), { cwd: folder, encoding: 'utf8' });
  const version = run('npx', '--no-install', 'llmesh', '--version').trim();
  // They are files, since llama.cpp's bindings test themselves in a process with the same arguments.
  writeFileSync(join(folder, 'engine.mjs'), LOADS_A_MODEL);
  writeFileSync(join(folder, 'client.mjs'), CLIENT);
  writeFileSync(join(folder, 'log.mjs'), LOG);
  const engine = run('node', 'engine.mjs').trim();
  const client = run('node', 'client.mjs').trim();
  const log = run('node', 'log.mjs').trim();
  const result = {
    installSeconds: Number(seconds),
    installedMB: Math.round(kilobytes / 1024),
    version,
    engine,
    client,
    log,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function megabytes(bytes) {
  return (bytes / 1_000_000).toFixed(1);
}
