/**
 * Says how many seconds of processor time each test took, with all the programs and browsers that it started:
 * `npm run e2e -- --workers=1 --reporter=./e2e/src/processor-time.ts`. With more than one worker the seconds of tests that run
 * at once cannot be told apart.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter';

/** Linux counts in these. */
const TICKS_A_SECOND = 100;
/** Whoever lives shorter than this may not be seen. */
const EVERY_MS = 400;

/** The processor time of this process and of all that descend from it, also of those that have ended or lost their parent. */
class Family {
  readonly #ticks = new Map<number, number>();
  /** What each of them is: it says so once it has its own arguments, a moment after it was forked. */
  readonly #kinds = new Map<number, string>();

  constructor() {
    this.#ticks.set(process.pid, 0);
  }

  look(): void {
    const parents = new Map<number, { parent: number; ticks: number }>();
    for (const name of readdirSync('/proc')) {
      const one = /^\d+$/.test(name) ? statOf(Number(name)) : null;
      if (one !== null) parents.set(Number(name), one);
    }
    const isOurs = (pid: number): boolean => {
      if (this.#ticks.has(pid)) return true;
      const parent = parents.get(pid)?.parent;
      return parent !== undefined && parent > 1 && isOurs(parent);
    };
    for (const [pid, { ticks }] of parents) {
      if (!isOurs(pid)) continue;
      this.#ticks.set(pid, ticks);
      this.#kinds.set(pid, kindOf(pid) ?? this.#kinds.get(pid) ?? 'unknown');
    }
  }

  /** Seconds by kind, most first. */
  get byKind(): [string, number][] {
    const seconds = new Map<string, number>();
    for (const [pid, ticks] of this.#ticks) {
      const kind = this.#kinds.get(pid) ?? 'unknown';
      seconds.set(kind, (seconds.get(kind) ?? 0) + ticks / TICKS_A_SECOND);
    }
    return [...seconds].toSorted((a, b) => b[1] - a[1]);
  }

  get seconds(): number {
    this.look();
    return [...this.#ticks.values()].reduce((sum, ticks) => sum + ticks, 0) / TICKS_A_SECOND;
  }
}

/** The parent of a process, and its ticks in user and system mode; null once it has ended. */
function statOf(pid: number): { parent: number; ticks: number } | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It ended between the listing and this.
    return null;
  }
  // The name of the program stands in brackets, and may have anything in it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}

/** The program, and in which of its roles, without its other arguments; null once it has ended. */
function kindOf(pid: number): string | null {
  let args: string;
  try {
    args = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return null;
  }
  // Chromium's processes write all of theirs into one.
  const [program = '', ...rest] = args.split(/\0|(?<=\S) (?=-)/);
  if (program === '') return null;
  const role = rest.find((arg) => /^--type=|^-contentproc$|\.m?[jt]s$/.test(arg)) ?? '';
  return `${basename(program)} ${role.split('/').slice(-3).join('/')}`.trim();
}

export default class ProcessorTime implements Reporter {
  readonly #family = new Family();
  readonly #timer = setInterval(() => this.#family.look(), EVERY_MS);
  #told = 0;

  printsToStdio(): boolean {
    return true;
  }

  onTestEnd(test: TestCase, result: TestResult): void {
    const total = this.#family.seconds;
    // The start and the end of what tests share is with the test that came next to it.
    const took = total - this.#told;
    this.#told = total;
    const [, , file = '', ...titles] = test.titlePath();
    const wall = (result.duration / 1000).toFixed(1);
    process.stdout.write(
      `${took.toFixed(1).padStart(6)} s of processor, ${wall.padStart(6)} s  ${result.status}  ${file}: ${titles.join(' › ')}\n`,
    );
    for (const { message = '' } of result.errors) process.stdout.write(`${message}\n`);
  }

  onEnd(): void {
    clearInterval(this.#timer);
    process.stdout.write(`${this.#family.seconds.toFixed(1).padStart(6)} s of processor in all, of which\n`);
    for (const [kind, seconds] of this.#family.byKind) {
      if (seconds >= 0.1) process.stdout.write(`${seconds.toFixed(1).padStart(6)} s  ${kind}\n`);
    }
  }
}
