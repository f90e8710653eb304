/** Starts the real programs, each as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { programArgs, programEnv } from '../../scripts/programs.mjs';

export const ROOT = join(import.meta.dirname, '..', '..');
const READY_TIMEOUT_MS = 120_000;

export interface Running {
  process: ChildProcess;
  /** The lines of JSON that it printed on standard output. */
  lines: Record<string, unknown>[];
  stop(): Promise<void>;
}

/** Starts a program of ours and resolves when it prints `{"ready":true…}`; rejects when it dies, takes too long, or `signal` says so. */
export async function startProgram(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Running> {
  const child = spawn(process.execPath, [...programArgs(file), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: programEnv(env),
  });
  const lines: Running['lines'] = [];
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(timer);
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${file} was not ready in time`)), READY_TIMEOUT_MS);
      signal?.addEventListener('abort', () => reject(new Error(`${file} is not needed any more`)));
      child.once('exit', (code) => reject(new Error(`${file} ended with ${code} before it was ready`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        const value = JSON.parse(line) as Record<string, unknown>;
        lines.push(value);
        if (value['ready'] === true) resolve();
      });
    });
    return { process: child, lines, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
