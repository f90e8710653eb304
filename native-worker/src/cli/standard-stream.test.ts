/** The reader of a command's output goes away, or stands still: real pipes, a real terminal (of Python), a full device. */
import { spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programArgs } from '../../../scripts/programs.mjs';
import { FROM_SOURCE, startControlPlane, type Running } from '../testing/process.ts';

const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-output-'));
const root = path.resolve(import.meta.dirname, '../../..');
let plane: { url: string; process: Running };
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(async () => {
  plane.process.kill('SIGTERM');
  await plane.process.exited;
  rmSync(data, { recursive: true });
});

const worker = () => [
  ...['worker', '--model', 'llmesh-tiny', '--mesh', plane.url, '--threads', '1', '--gpu', 'off', '--on-battery'],
  ...['--data', path.join(data, 'worker')],
];
const gateway = () => ['gateway', '--mesh', plane.url, '--port', '0', '--data', path.join(data, 'gateway')];

function start(args: readonly string[], stdio: StdioOptions) {
  return spawn(process.execPath, [...programArgs('native-worker/src/main.ts'), ...args], { cwd: root, stdio });
}

/** The worker as the mesh sees it. */
async function providers(): Promise<number> {
  const response = await fetch(new URL('/api/stats', plane.url));
  return ((await response.json()) as { providers: number }).providers;
}

/** Runs it in a terminal that is read until it says `word`, and from then on is closed, or no longer read. */
const TERMINAL = String.raw`
import os, pty, signal, sys, time
word, then, program = sys.argv[1].encode(), sys.argv[2], sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(program[0], program)
said = b''
while word not in said:
    said += os.read(terminal, 9999)
if then == 'close':
    os.close(terminal)
else:
    time.sleep(3)
    os.kill(pid, signal.SIGTERM)
    deadline = time.time() + 5
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.time() > deadline:
            os.kill(pid, signal.SIGKILL)
            sys.exit(9)
        time.sleep(.05)
    sys.exit(0)
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 100 + os.WTERMSIG(status))
`;
const hasTerminals = process.platform !== 'win32' && spawnSync('python3', ['-c', 'import pty']).status === 0;

describe('a command that runs long', () => {
  it('continues when the reader of its lines has gone away, and ends in order', async () => {
    const running = start([...worker(), '--json', '--log', 'json'], ['ignore', 'pipe', 'pipe']);
    await once(running.stdout ?? running, 'data');
    running.stdout?.destroy();
    running.stderr?.destroy();
    await expect.poll(providers, { timeout: 50_000 }).toBe(1);
    running.kill('SIGTERM');
    expect(await once(running, 'exit')).toEqual([0, null]);
    await expect.poll(providers).toBe(0);
  }, 60_000);

  it.skipIf(process.platform !== 'linux')(
    'continues where nothing can be written any more',
    async () => {
      const full = openSync('/dev/full', 'w');
      const running = start([...gateway(), '--json'], ['ignore', full, full]);
      const peers = async () => (await (await fetch(new URL('/metrics', plane.url))).text()).includes('llmesh_peers 1');
      await expect.poll(peers, { timeout: 50_000 }).toBe(true);
      running.kill('SIGTERM');
      expect(await once(running, 'exit')).toEqual([0, null]);
    },
    60_000,
  );

  it.skipIf(!hasTerminals)(
    'ends in order, and not by a crash, when its terminal is closed',
    async () => {
      const program = [process.execPath, 'native-worker/bin/llmesh.mjs', ...worker()];
      const plain = [process.execPath, ...programArgs('signaling/src/main.ts'), '--port', '0'];
      const ends = [inTerminal('Serving', 'close', program), inTerminal('ready', 'close', plain)];
      expect(await Promise.all(ends)).toEqual([0, 0]);
      await expect.poll(providers).toBe(0);
    },
    60_000,
  );

  it.skipIf(!hasTerminals)(
    'does not wait for a terminal that shows nothing any more, as after Ctrl-S',
    async () => {
      const file = path.join(data, 'talks.mjs');
      const module = pathToFileURL(path.resolve(import.meta.dirname, 'standard-stream.ts')).href;
      writeFileSync(
        file,
        `import { neverWaitForReaders, writeTo } from '${module}'; neverWaitForReaders(); process.on('SIGTERM', () => process.exit());
       console.log('begins'); setInterval(() => writeTo(process.stdout, 'x'.repeat(9_999)), 1);`,
      );
      expect(await inTerminal('begins', 'stop reading', [process.execPath, ...FROM_SOURCE, file])).toBe(0);
    },
    60_000,
  );

  async function inTerminal(word: string, then: string, program: readonly string[]): Promise<number> {
    const terminal = spawn('python3', ['-c', TERMINAL, word, then, ...program], { cwd: root });
    const [code] = (await once(terminal, 'exit')) as [number];
    return code;
  }
});
