/** A program of ours while it is attacked: a process of its own, under a memory limit, watched from outside. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ROOT } from '@llmesh/e2e/processes';
import { programArgs, programEnv } from '../../scripts/programs.mjs';

/** An attack that gets past this has won, but this computer should survive it. */
const MEMORY_LIMIT_KIB = 3_000_000;
const READY_TIMEOUT_MS = 60_000;
const KEPT_STDERR_CHARS = 4_096;

export interface ProgramOptions {
  env?: Record<string, string>;
  /** Its name in the table. */
  name: string;
}

export class Program {
  readonly name: string;
  /** The lines of JSON that it printed; others are left out. */
  readonly lines: Record<string, unknown>[] = [];
  /** The end of what it complained about. */
  stderr = '';
  readonly ended: Promise<void>;
  readonly process: ChildProcess;
  #listeners = new Set<() => void>();

  /** `args`: a TypeScript file of this repository, and what it is told. */
  constructor(args: readonly string[], { name, env = {} }: ProgramOptions) {
    this.name = name;
    const [file = '', ...rest] = args;
    const node = [...programArgs(file), ...rest];
    // A shell sets the limit and becomes the program: the process keeps its id.
    const limited = ['-c', `ulimit -d ${MEMORY_LIMIT_KIB}; exec "$@"`, 'sh', process.execPath, ...node];
    this.process = spawn('sh', limited, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: programEnv(env),
    });
    this.process.stderr?.on('data', (chunk) => {
      this.stderr = (this.stderr + String(chunk)).slice(-KEPT_STDERR_CHARS);
    });
    if (this.process.stdout !== null) {
      createInterface({ input: this.process.stdout }).on('line', (line) => {
        const value = parse(line);
        if (value !== null) this.lines.push(value);
        for (const told of this.#listeners) told();
      });
    }
    this.ended = new Promise((resolve) => {
      this.process.once('exit', () => {
        resolve();
        for (const told of this.#listeners) told();
      });
    });
  }

  /** Resolves when it says `ready`; rejects when it ends before, or takes a minute. */
  static async ready(args: readonly string[], options: ProgramOptions): Promise<Program> {
    const program = new Program(args, options);
    try {
      await program.says((line) => line['ready'] === true, READY_TIMEOUT_MS);
    } catch (error) {
      program.process.kill('SIGKILL');
      throw error;
    }
    return program;
  }

  get alive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Its first line that `matches`. Rejects when it ends without one, or after `timeoutMs`. */
  says(matches: (line: Record<string, unknown>) => boolean, timeoutMs: number): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const settle = (run: () => void) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        run();
      };
      const look = () => {
        const found = this.lines.find(matches);
        if (found !== undefined) settle(() => resolve(found));
        else if (!this.alive) settle(() => reject(new Error(`${this.name} ended first: ${this.stderr}`)));
      };
      const timer = setTimeout(() => settle(() => reject(new Error(`${this.name} said nothing in time`))), timeoutMs);
      this.#listeners.add(look);
      look();
    });
  }

  /** SIGTERM, and SIGKILL when that is not heard. Milliseconds until it was gone; null: it had to be killed. Idempotent. */
  async stop(graceMs = 5_000): Promise<number | null> {
    if (!this.alive) return 0;
    const beganMs = performance.now();
    const family = [...processesUnder(this.process.pid ?? 0)];
    this.process.kill('SIGTERM');
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      for (const pid of family) killQuietly(pid);
    }, graceMs);
    await this.ended;
    clearTimeout(timer);
    // Its own children do not outlive it.
    for (const pid of family) killQuietly(pid);
    return killed ? null : performance.now() - beganMs;
  }
}

/** Resident memory of a process, in MB; 0 when it is gone. */
export function residentMb(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

/** A process and all that descend from it. */
export function processesUnder(pid: number): Set<number> {
  const found = new Set([pid]);
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended while we looked.
    }
  }
  for (let grown = true; grown;) {
    grown = false;
    for (const [child, parent] of parents) {
      if (!found.has(parent) || found.has(child)) continue;
      found.add(child);
      grown = true;
    }
  }
  return found;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
