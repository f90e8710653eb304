/** Processes that hang, crash, grow and do not end, and what guards them. All of it real: signals, loops, memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { needsGuard } from '../../bin/guard.mjs';
import { GuardedProcess } from '../../bin/guarded-process.mjs';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';
import { addWorkerSubcommands } from '../commands/worker-subcommands.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-guard-'));
const started: Running[] = [];
afterAll(async () => {
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map((running) => running.exited));
  rmSync(folder, { recursive: true });
});

const SERVES = `process.on('SIGTERM', () => {}); process.send({ serving: true });`;
const HANGS = `setTimeout(() => { for (;;); }, 50);`;

function program(name: string, text: string): string {
  const file = path.join(folder, `${name}.mjs`);
  writeFileSync(file, text);
  return file;
}

/** `mostSilentTicks`: only for those that hang; a busy computer keeps others silent, too. */
function endOf(name: string, text: string, mostSilentTicks?: number) {
  const file = program(name, text);
  const patience = mostSilentTicks === undefined ? {} : { mostSilentTicks };
  return new GuardedProcess([file], { stdio: ['ignore', 'ignore', 'ignore'], ...patience }).ended;
}

async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 150; i++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await sleep(100);
  }
  return false;
}

describe.skipIf(process.platform === 'win32').concurrent('a guarded process', () => {
  it('is ended when it hangs, stands still or grows; how it ends on its own is told', async () => {
    const hundredMegabytes = -0.72 * 2 ** 30;
    const [loop, stopped, grown, crashed, plain, stuck] = await Promise.all([
      endOf('loop', `${SERVES}${HANGS}`, 2),
      endOf('stopped', `${SERVES} setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 50);`, 2),
      endOf(
        'grown',
        `process.send({ serving: true, memoryBytes: ${hundredMegabytes} }); const all = Buffer.alloc(4e8, 1); setInterval(() => all.at(1), 1e3);`,
      ),
      endOf('crashed', `process.kill(process.pid, 'SIGSEGV');`),
      endOf('plain', `process.exitCode = 7;`),
      endOf('stuck', `process.send({ endsWith: 5 }, () => process.kill(process.pid, 'SIGSTOP'));`),
    ]);
    expect(loop).toMatchObject({ signal: 'SIGKILL', fault: 'It hung for 2 s.' });
    expect(stopped).toMatchObject({ signal: 'SIGKILL', fault: 'It hung for 2 s.' });
    if (process.platform === 'linux') expect(grown.fault).toContain('GB of memory');
    expect(crashed).toMatchObject({ signal: 'SIGSEGV', fault: 'It ended by SIGSEGV.' });
    expect(plain).toMatchObject({ code: 7, fault: null });
    expect(stuck).toMatchObject({ code: 5, fault: null });
  });

  it('ends with its parent, even where both were killed or hang', async () => {
    const child = program('orphan', `console.log(process.pid); ${SERVES}${HANGS}`);
    const module = pathToFileURL(path.resolve(import.meta.dirname, '../../bin/guarded-process.mjs')).href;
    const parent = program(
      'parent',
      `import { GuardedProcess } from '${module}'; new GuardedProcess(['${child}'], { stdio: ['ignore', 'inherit', 'ignore'] });`,
    );
    const running = spawn(process.execPath, [parent], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [pid] = (await once(running.stdout, 'data')) as [Buffer];
    running.kill('SIGKILL');
    expect(await isGone(Number(pid))).toBe(true);
  });
});

describe('llmesh', () => {
  it('guards what runs long, and no other command', () => {
    const worker = new Command('worker');
    addWorkerSubcommands(worker);
    for (const { name } of worker.commands.map((one) => ({ name: one.name() }))) {
      expect(needsGuard(['worker', '--json', name])).toBe(false);
    }
    expect([['worker', '--model', 'm'], ['gateway'], ['chat', 'worker'], []].map(needsGuard)).toEqual([
      ...[true, true, false, false],
    ]);
  });

  it.skipIf(process.platform !== 'linux')(
    'gateway is there again after a crash, says so, and ends in time while it hangs',
    async () => {
      const plane = await startControlPlane();
      started.push(plane.process);
      const gateway = startLlmesh('gateway', '--mesh', plane.url, '--port', '0', '--data', folder, '--json');
      started.push(gateway);
      const isReady = (line: Record<string, unknown>) => line['ready'] === true;
      await gateway.line(isReady);
      process.kill(childOf(gateway.pid), 'SIGSEGV');
      await gateway.line((line) => JSON.stringify(line['error'] ?? '').includes('started again. It ended by SIGSEGV'));
      await gateway.line(isReady, gateway.lines.findIndex(isReady) + 1);
      process.kill(childOf(gateway.pid), 'SIGSTOP');
      const beganMs = performance.now();
      gateway.kill('SIGTERM');
      expect(await gateway.exited).toBe(0);
      expect(performance.now() - beganMs).toBeLessThan(5_000);
    },
    60_000,
  );
});

/** The process that the guard runs. */
function childOf(guard: number): number {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`));
  const child = ids.find((id) => {
    try {
      return new RegExp(`^PPid:\\s${guard}$`, 'm').test(readFileSync(`/proc/${id}/status`, 'utf8'));
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
  if (child === undefined) throw new Error('The guard runs nothing.');
  return Number(child);
}
