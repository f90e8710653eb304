/** Real processes for tests: the control plane, and the llmesh command. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { programArgs, programEnv } from '../../../scripts/programs.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export class Running {
  readonly #child: ChildProcess;
  readonly lines: Record<string, unknown>[] = [];
  stderr = '';
  readonly exited: Promise<number | null>;
  readonly #waiting = new Set<() => void>();

  /** A program of Node, or another. */
  constructor(args: readonly string[], env: Record<string, string> = {}, program = process.execPath) {
    this.#child = spawn(program, args, {
      cwd: root,
      env: programEnv(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    if (this.#child.stdout !== null) {
      createInterface(this.#child.stdout).on('line', (line) => {
        this.lines.push(JSON.parse(line) as Record<string, unknown>);
        this.#wake();
      });
    }
    this.exited = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        resolve(code);
        this.#wake();
      });
    });
  }

  /** The first line, from number `from` on, that has all of `fields`. Throws when the process ends without one. */
  async line(matches: (line: Record<string, unknown>) => boolean, from = 0): Promise<Record<string, unknown>> {
    let ended = false;
    const end = this.exited.then(() => {
      ended = true;
    });
    for (;;) {
      const found = this.lines.slice(from).find(matches);
      if (found !== undefined) return found;
      if (ended) throw new Error(`It ended first. ${JSON.stringify(this.lines)} ${this.stderr}`);
      const more = new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
      await Promise.race([more, end]);
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Signals only the process that was started: for the `llmesh` command the guard, which passes it on where it can. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Signals the guard and the program under it alike, as when the computer itself fails. */
  strike(signal: NodeJS.Signals): void {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim();
    for (const pid of [this.pid, ...children.split(' ').filter(Boolean).map(Number)]) process.kill(pid, signal);
  }
}

/** Makes Node run our sources. */
export const FROM_SOURCE = ['--import', 'tsx', '--conditions=@llmesh/source'] as const;

/** `port` 0: any free one. */
export async function startControlPlane(
  port = 0,
  env: Record<string, string> = {},
): Promise<{ url: string; process: Running }> {
  const args = [...programArgs('signaling/src/main.ts'), '--port', String(port), '--models', 'models'];
  const running = new Running(args, env);
  const { url } = await running.line((line) => line['ready'] === true);
  return { url: String(url), process: running };
}

export function startLlmesh(...args: string[]): Running {
  return new Running(['native-worker/bin/llmesh.mjs', ...args]);
}
