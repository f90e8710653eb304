/** docs/your-own-network.md, word for word: its commands, from the packages that `npm run pack` makes, in an empty folder. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const PREPARE_MS = 600_000;
const home = mkdtempSync(join(tmpdir(), 'llmesh-newcomer-'));
const folder = join(home, 'empty');
const terminals = [];

beforeAll(() => {
  mkdirSync(folder);
  symlinkSync(ROOT, join(home, 'llmesh'));
  execFileSync(process.execPath, ['scripts/pack.mjs'], { cwd: ROOT, stdio: 'inherit' });
}, PREPARE_MS);

afterAll(async () => {
  // Each is a group of processes, and all of it is ours.
  for (const { child } of terminals) process.kill(-child.pid, 'SIGTERM');
  await Promise.all(terminals.map(({ ended }) => ended));
  rmSync(home, { recursive: true, force: true });
});

/** The blocks of commands in their order. `serves`: the terminal stays open. */
function blocks() {
  const text = readFileSync(join(ROOT, 'docs/your-own-network.md'), 'utf8');
  return [...text.matchAll(/^```sh( serves)?\n(.*?)^```$/gms)].map(([, serves, commands]) => ({
    serves: serves !== undefined,
    commands,
  }));
}

/** A terminal of the newcomer, who knows nothing of this repository. */
function terminal(commands, own) {
  const { PATH } = process.env;
  const environment = { PATH, HOME: home, npm_config_cache: npmCache(), ...own };
  const child = spawn('bash', ['-e', '-c', commands], {
    ...{ cwd: folder, env: environment, detached: true },
    // Nobody types anything else, nor pipes anything in.
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const opened = { child, said: '', ended: new Promise((done) => child.once('close', done)), heard: () => {} };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (words) => {
      opened.said += String(words);
      opened.heard();
    });
  }
  return opened;
}

/** The packages that npm has fetched before need not come again. */
function npmCache() {
  return execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim();
}

/** Waits until it says so; rejects when it ends before. */
async function says(opened, words) {
  await new Promise((done, failed) => {
    opened.heard = () => words.test(opened.said) && done();
    opened.heard();
    void opened.ended.then((code) => failed(new Error(`ended with ${code}: ${opened.said}`)));
  });
}

test('a newcomer founds a network, serves it, joins it, lends and asks in it', { timeout: PREPARE_MS }, async () => {
  const all = blocks();
  expect(all.map(({ serves }) => serves)).toEqual([false, false, true, false, true, false]);
  let network = null;
  let said = '';
  // What is exported in a terminal stays until it is closed.
  let typed = '';
  for (const { serves, commands } of all) {
    const words = network === null ? commands : commands.replaceAll('net_…', network);
    if (serves) {
      const opened = terminal(words);
      terminals.push(opened);
      // The line that is copied from there to the next terminal.
      await says(opened, commands.includes('bootstrap') ? /--bootstrap ws:\S+\n/ : /Ctrl-C stops/);
      said += opened.said;
    } else {
      const exports = typed.match(/^export .*$/gm)?.join('\n') ?? '';
      const opened = terminal(`${exports}\n${words}`);
      expect(await opened.ended, opened.said).toBe(0);
      said += opened.said;
      typed += words;
    }
    network ??= /net_[a-z2-7]{32}/.exec(said)?.[0] ?? null;
  }
  expect(said).toContain(`--network ${network} --bootstrap ws://localhost:8080`);
  expect(said).toContain('You are in StorageNet, at http://localhost:8080. Its credits are STORE (STR).');
  expect(said).toMatch(/Answered by \w+-\w+/);
  expect(said).toContain(`/${network} with`);
  expect(said).toContain('tells the truth about its credits');
  const page = await fetch('http://localhost:8080/');
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<title>LLMesh')]);
});
