/**
 * A process beside this one, in which native code reads what a stranger wrote: it can be killed, and brings down nothing but
 * itself. It starts with the first job, stays for the next, and ends when nobody needs it, or with this process.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { untilAborted } from '@llmesh/core/base/abort';
import { MeshError } from '@llmesh/core/base/errors';
import { JOB_LIMITS, ReplySchema, type Job, type Reply, type Role } from './jobs.ts';

/** The same file starts the sources and what is built from them. */
const PROGRAM = fileURLToPath(new URL('../../bin/contained.mjs', import.meta.url));
/** How long a start may take on a slow disk. */
const START_MS = 60_000;
/** It ends after this long without a job: it takes some 50 MB, and half a second to start. */
const IDLE_MS = 300_000;
/** Each job belongs to a question that was accepted; more would wait in vain. */
const MAX_WAITING = 256;
/** What the system itself allows it, in KB, where a shell can say so; the watch in it is stricter. */
const DATA_KB = 4_194_304;
/** It gets nothing else from this process's environment, which holds keys. */
const ENVIRONMENT = ['PATH', 'LD_LIBRARY_PATH', 'SystemRoot', 'TEMP', 'TMP', 'TMPDIR'];

/** Why a job has no answer. */
export type Failure =
  /** It took too much of the processor, or of the memory. */
  | 'too_much'
  /** It took too long, which may be the computer's fault. */
  | 'too_long'
  /** It brought the process down. */
  | 'crashed'
  /** There is no process. */
  | 'not_started';

export class ContainedFailure extends Error {
  readonly why: Failure;

  constructor(why: Failure) {
    super(`The job ended without an answer: ${why}.`);
    this.why = why;
  }
}

interface Waiting {
  job: Job;
  resolve: (texts: string[]) => void;
  reject: (error: Error) => void;
}

interface Child {
  process: ChildProcess;
  ready: boolean;
}

export class ContainedProcess {
  readonly #role: Role;
  readonly #waiting: Waiting[] = [];
  #child: Child | null = null;
  #running: Waiting | null = null;
  #why: Failure | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(role: Role) {
    this.#role = role;
  }

  /** The process, while there is one. */
  get pid(): number | null {
    return this.#child?.process.pid ?? null;
  }

  /** Rejects with ContainedFailure, a MeshError of the job, busy, or cancelled: then nobody waits for it any more. */
  async run(job: Job, signal?: AbortSignal): Promise<string[]> {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new MeshError('busy', 'This volunteer has too much to check right now. Try again in a moment.');
    }
    const done = new Promise<string[]>((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
    });
    this.#next();
    return signal === undefined ? done : untilAborted(done, signal);
  }

  /** Ends the process. Jobs that wait fail. */
  close(): void {
    this.#child?.process.kill('SIGKILL');
  }

  #next(): void {
    if (this.#running !== null || this.#waiting.length === 0) return;
    this.#child ??= this.#start();
    const { process: child, ready } = this.#child;
    // It keeps this process alive only while somebody waits.
    child.ref();
    child.channel?.ref();
    if (!ready) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#running = next;
    this.#endAfter(JOB_LIMITS[next.job.kind].wallMs);
    child.send({ job: next.job }, () => {});
  }

  #start(): Child {
    const started: Child = { process: spawnContained(this.#role), ready: false };
    const { process: child } = started;
    const gone = (signal: NodeJS.Signals | null) => {
      if (this.#child === started) this.#gone(signal, started.ready);
    };
    child.on('message', (message) => {
      if (this.#child === started) this.#heard(started, message);
    });
    child.on('exit', (_code, signal) => gone(signal));
    child.on('error', () => gone(null));
    this.#endAfter(START_MS);
    return started;
  }

  #heard(child: Child, message: unknown): void {
    const { success, output } = v.safeParse(ReplySchema, message);
    if (!success) {
      child.process.kill('SIGKILL');
      return;
    }
    clearTimeout(this.#timer);
    const running = this.#running;
    this.#running = null;
    if ('ready' in output) child.ready = true;
    else if (running !== null) settle(running, output);
    if (this.#waiting.length > 0) this.#next();
    else this.#rest(child);
  }

  #rest({ process: child }: Child): void {
    child.unref();
    child.channel?.unref();
    this.#timer = setTimeout(() => child.kill('SIGKILL'), IDLE_MS).unref();
  }

  #gone(signal: NodeJS.Signals | null, wasReady: boolean): void {
    clearTimeout(this.#timer);
    const why = this.#why ?? (signal === 'SIGKILL' ? 'too_much' : 'crashed');
    this.#why = null;
    this.#child = null;
    const lost = this.#running;
    this.#running = null;
    lost?.reject(new ContainedFailure(why));
    // The next one would start no better.
    if (!wasReady) for (const { reject } of this.#waiting.splice(0)) reject(new ContainedFailure('not_started'));
    this.#next();
  }

  #endAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#why = 'too_long';
      this.#child?.process.kill('SIGKILL');
    }, ms);
  }
}

function settle({ resolve, reject }: Waiting, reply: Exclude<Reply, { ready: true }>): void {
  if ('texts' in reply) resolve(reply.texts);
  else reject(new MeshError(reply.code, reply.message));
}

function spawnContained(role: Role): ChildProcess {
  // This process may be gone before the other one looks for it.
  const args = [PROGRAM, role, String(process.pid)];
  const env = Object.fromEntries(
    ENVIRONMENT.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])),
  );
  const options = {
    cwd: os.tmpdir(),
    env,
    windowsHide: true,
    serialization: 'advanced' as const,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'] as ['ignore', 'ignore', 'ignore', 'ipc'],
  };
  if (process.platform === 'win32') return spawn(process.execPath, args, options);
  // A crash leaves no core dump on the disk.
  const limits = `ulimit -c 0; ulimit -d ${DATA_KB} 2>/dev/null; exec "$0" "$@"`;
  return spawn('/bin/sh', ['-c', limits, process.execPath, ...args], options);
}
