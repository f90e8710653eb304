/** What ends a process, or should: a reader that goes away, a full disk, an event loop that stands still. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, ROOT } from '@llmesh/e2e/processes';
import { programArgs } from '../../../scripts/programs.mjs';
import { outcome, seconds, type Attack, type Scene } from '../attack.ts';
import { providersOf } from '../intruder.ts';
import { Program, processesUnder } from '../program.ts';
import { TINY_MODEL, type Target } from '../target.ts';

const SERVES_WITHIN_MS = 30_000;
const ENDS_WITHIN_MS = 6_000;
/** Time to start, on a busy machine. */
const TERMINAL_SECONDS = 20;
/** A process that says nothing for 10 s is ended, which may take 5 s, and started again. */
const BACK_WITHIN_MS = 45_000;
/** The word in a command line that says that a process runs `llmesh`. */
const LLMESH = programArgs('native-worker/src/main.ts').at(-1) ?? '';
/** Closes a terminal under a program that runs in it. */
const IN_A_TERMINAL = `
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
end = time.time() + float(sys.argv[1])
while time.time() < end: os.read(terminal, 9999) if __import__('select').select([terminal], [], [], 0.2)[0] else None
os.close(terminal)
end = time.time() + 8
while time.time() < end:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done: print(status); sys.exit(0)
    time.sleep(0.1)
os.kill(pid, 9)
print('alive')
`;

async function providers(target: Target, count: number, withinMs: number): Promise<boolean> {
  const endMs = performance.now() + withinMs;
  while (performance.now() < endMs) {
    const found = await providersOf(target).catch(() => []);
    if (found.length === count) return true;
    await sleep(200);
  }
  return false;
}

function workerArgs(target: Target, folder: string, json: boolean): string[] {
  const args = ['worker', '--model', TINY_MODEL, '--mesh', target.url, '--on-battery', '--threads', '1'];
  return [
    join(ROOT, 'native-worker/bin/llmesh.mjs'),
    ...args,
    ...(json ? ['--json'] : []),
    '--data',
    join(target.folder, folder),
  ];
}

/** Its output ends as `redirect` says; it continues to lend, and ends when it is told to. */
async function withoutOutput(
  target: Target,
  folder: string,
  redirect: string,
  json: boolean,
): Promise<[boolean, string]> {
  const there = (await providersOf(target)).length;
  const command = `exec "$@" ${redirect}`;
  const worker = spawn('sh', ['-c', command, 'sh', process.execPath, ...workerArgs(target, folder, json)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  worker.stdout.destroy();
  worker.stderr.destroy();
  const serves = await providers(target, there + 1, SERVES_WITHIN_MS);
  await sleep(1_500);
  const goesOn = serves && (await providersOf(target)).length === there + 1 && worker.exitCode === null;
  const ended = new Promise<number | null>((resolve) => worker.once('exit', resolve));
  worker.kill('SIGTERM');
  const code = await Promise.race([ended, sleep(ENDS_WITHIN_MS, 'late' as const)]);
  if (code === 'late') worker.kill('SIGKILL');
  await providers(target, there, 10_000);
  const what = redirect === '' ? 'a closed pipe' : redirect;
  return [
    goesOn && code === 0,
    `${what}${json ? ' with --json' : ''}: ${goesOn ? 'continues' : 'gone'}, then ${String(code)}`,
  ];
}

async function output({ target, scale }: Scene) {
  const facts = [await withoutOutput(target, 'piped', '', true)];
  if (scale === 1) facts.push(await withoutOutput(target, 'full-json', '> /dev/full 2>&1', true));
  facts.push(await withoutOutput(target, 'full', '> /dev/full 2>&1', false));
  return outcome(facts);
}

async function terminal({ target }: Scene) {
  const there = (await providersOf(target)).length;
  const args = [
    '-c',
    IN_A_TERMINAL,
    String(TERMINAL_SECONDS),
    process.execPath,
    ...workerArgs(target, 'terminal', false),
  ];
  const child = spawn('python3', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  const served = await providers(target, there + 1, TERMINAL_SECONDS * 1_000);
  await new Promise((resolve) => child.once('exit', resolve));
  const gone = await providers(target, there, 5_000);
  return outcome([
    [served, 'it lent from a terminal'],
    [said.trim() === '0' && gone, `its terminal closed: wait status ${said.trim()}`],
  ]);
}

/** `npm start`, whose worker stands still: stopped from outside, it answers nothing, as when llama.cpp never comes back. */
async function standstill({ target }: Scene) {
  const port = await freePort();
  const args = ['scripts/start.mjs', '--port', String(port), '--data', join(target.folder, 'start')];
  const start = new Program(args, { name: 'npm start' });
  target.others.push(start);
  const mesh = {
    url: `http://127.0.0.1:${port}`,
    json: (path: string) => fetch(`http://127.0.0.1:${port}${path}`).then((r) => r.json()),
  } as Target;
  if (!(await providers(mesh, 1, 120_000)))
    return outcome([[false, `npm start does not serve: ${start.stderr.slice(-200)}`]]);
  const before = await providersOf(mesh);
  const workers = workersUnder(start);
  for (const pid of workers) process.kill(pid, 'SIGSTOP');
  const beganMs = performance.now();
  const gone = await providers(mesh, 0, BACK_WITHIN_MS);
  const back = gone && (await providers(mesh, 1, BACK_WITHIN_MS));
  const backMs = performance.now() - beganMs;
  for (const pid of workersUnder(start)) process.kill(pid, 'SIGSTOP');
  const endedMs = await start.stop(ENDS_WITHIN_MS + 2_000);
  return outcome([
    [before.length === 1 && workers.length > 0, `${workers.length} processes of the worker stopped`],
    [back, back ? `another serves after ${seconds(backMs)}` : 'nobody serves any more'],
    [
      endedMs !== null && endedMs < ENDS_WITHIN_MS,
      endedMs === null ? 'deaf to SIGTERM' : `stopped again, all ends ${seconds(endedMs)} after SIGTERM`,
    ],
  ]);
}

function workersUnder(program: Program): number[] {
  return [...processesUnder(program.process.pid ?? 0)].filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return command.includes(LLMESH) && command.includes('worker');
    } catch {
      return false;
    }
  });
}

/** Something answers there, but is not a mesh: nothing is said to be ready. */
async function noMesh({ target }: Scene) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const args = ['native-worker/src/main.ts', 'worker', '--model', TINY_MODEL, '--mesh', `http://127.0.0.1:${port}`];
  const worker = new Program(
    [...args, '--on-battery', '--json', '--threads', '1', '--data', join(target.folder, 'no-mesh')],
    { name: 'worker' },
  );
  target.others.push(worker);
  const ready = await worker
    .says((line) => line['ready'] === true, 8_000)
    .then(
      () => true,
      () => false,
    );
  await worker.stop();
  server.close();
  return outcome([[!ready, ready ? 'said to be ready' : 'not said to be ready']]);
}

const MESH = { workers: 1, gateway: false };
export const processes: readonly Attack[] = [
  {
    name: 'a reader of the output that goes away, a full disk for the log',
    before: 'stack trace and gone, without leaving the mesh; exit 1 without a word',
    bound: 'output that cannot be written is dropped',
    mesh: MESH,
    quick: false,
    run: output,
  },
  {
    name: 'a terminal that is closed',
    before: 'SIGSEGV, 5 of 5',
    bound: 'leaves the mesh and ends with 0',
    mesh: MESH,
    quick: false,
    run: terminal,
  },
  {
    name: 'a worker that stands still under npm start',
    before: 'alive, deaf to SIGTERM, never started again',
    bound: 'no heartbeat for 10 s: SIGTERM, SIGKILL after 5 s, and another',
    mesh: { workers: 0, gateway: false },
    quick: false,
    alone: true,
    run: standstill,
  },
  {
    name: 'a server that is not a mesh',
    before: '“Serving” and “ready” without a connection',
    bound: 'said when the mesh has welcomed',
    mesh: MESH,
    quick: false,
    run: noMesh,
  },
];
