/**
 * A process of ours that is watched from outside, as nothing inside can watch a hanging event loop: once a second it must
 * say that its loop turns, its memory must stay near what its models need, and it must end when told to.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

const POSIX = process.platform !== 'win32';
const TICK_MS = 1_000;
/** Counted in our own ticks: after the computer slept, or we were stopped, nobody was silent. */
const MOST_SILENT_TICKS = 10;
/** The patience before it serves, when a large file may hold it up. */
const MOST_SILENT_TICKS_AT_START = 120;
/** The time from SIGTERM to SIGKILL. */
const GRACE_MS = 3_000;
/** Limits the wait for its output, which its own children may hold open. */
const OUTPUT_MS = 1_000;
/** Plans are estimates, and Node needs memory of its own. */
const PLAN_FACTOR = 1.25;
const BESIDES_PLAN_BYTES = 2 ** 30;
/** The share of the computer's memory that it may take before it has said what it needs. */
const MOST_OF_COMPUTER = 15 / 16;

export class GuardedProcess {
  #process;
  #silentTicks = 0;
  #serving = false;
  #mostBytes = totalmem() * MOST_OF_COMPUTER;
  /** Why we end it, for a person; null: we do not. */
  #fault = null;
  /** Whether it wants to be started again. */
  #again = null;
  /** The exit code that it was about to end with. */
  #endsWith = null;
  #mostSilentTicks;
  onServing = () => {};
  /**
   * `code`: null where a signal ended it. `fault`: why it has to be started again, for a person; null: it ended as
   * programs end.
   */
  ended;

  /** `args`: Node's arguments. `mostSilentTicks`: the patience while it serves. */
  constructor(args, { stdio, cwd, env = process.env, mostSilentTicks = MOST_SILENT_TICKS }) {
    this.#mostSilentTicks = mostSilentTicks;
    const leash = new URL('leash.mjs', import.meta.url).href;
    this.#process = spawn(process.execPath, ['--import', leash, ...args], {
      cwd,
      env: { ...env, LLMESH_STARTED_BY: String(process.pid) },
      // The channel also tells it when we are gone, even by SIGKILL.
      stdio: [...stdio, 'ipc'],
      // A terminal's Ctrl-C is for us alone: we end the process in order. Its own children end with its group.
      detached: POSIX,
    });
    this.#process.on('message', (message) => this.#hear(message));
    const watch = setInterval(() => this.#look(), TICK_MS);
    this.ended = this.#end().finally(() => clearInterval(watch));
  }

  get stdout() {
    return this.#process.stdout;
  }

  /** It serves from now on. `memoryBytes`: what its models need by their plan; left out: nobody knows. */
  serving(memoryBytes) {
    this.#serving = true;
    if (memoryBytes !== undefined) this.#mostBytes = memoryBytes * PLAN_FACTOR + BESIDES_PLAN_BYTES;
    this.onServing();
  }

  /** Tells it to end. Idempotent; settles when it is gone. */
  async stop(signal = 'SIGTERM') {
    this.#signal(signal);
    const timer = setTimeout(() => this.kill(), GRACE_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** For when there is no time left to wait. */
  kill() {
    if (this.#isAlive()) killGroup(this.#process.pid);
  }

  /** Makes it stand still, or continue. */
  pause(paused) {
    this.#signal(paused ? 'SIGSTOP' : 'SIGCONT');
  }

  #isAlive() {
    return this.#process.pid !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  #signal(name) {
    if (this.#isAlive()) this.#process.kill(name);
  }

  #hear(message) {
    this.#silentTicks = 0;
    if (message?.serving === true) this.serving(message.memoryBytes);
    if (typeof message?.again === 'string') {
      this.#again = message.again;
      this.#endSoon();
    }
    if (Number.isInteger(message?.endsWith)) {
      this.#endsWith = message.endsWith;
      this.#endSoon();
    }
  }

  /** Native code that hangs keeps a process from ending, even if it wants to. */
  #endSoon() {
    setTimeout(() => this.kill(), GRACE_MS).unref();
  }

  #look() {
    if (this.#fault !== null) return;
    this.#silentTicks += 1;
    if (this.#silentTicks > (this.#serving ? this.#mostSilentTicks : MOST_SILENT_TICKS_AT_START)) {
      this.#fault = `It hung for ${this.#silentTicks - 1} s.`;
      void this.stop();
    } else if (memoryOf(this.#process.pid) > this.#mostBytes) {
      this.#fault = `It took more than ${(this.#mostBytes / 1e9).toFixed(1)} GB of memory, which its models do not need.`;
      // It grows while we wait.
      this.kill();
    }
  }

  #end() {
    return new Promise((resolve) => {
      const done = (code, signal, error) => {
        const crash = signal !== null && this.#endsWith === null ? `It ended by ${signal}.` : null;
        resolve({ code: this.#endsWith ?? code, signal, error, fault: this.#fault ?? this.#again ?? crash });
      };
      this.#process.once('error', (error) => done(1, null, error.message));
      this.#process.once('exit', (code, signal) => {
        if (POSIX) killGroup(this.#process.pid);
        setTimeout(() => done(code, signal, null), OUTPUT_MS).unref();
      });
      // Wait for its last output, too: `close` comes when everything has been read.
      this.#process.once('close', (code, signal) => done(code, signal, null));
    });
  }
}

/** Its memory that is not backed by files, in bytes; 0 where the system does not say (proc(5)). */
function memoryOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    return 1024 * (kilobytes('RssAnon') + kilobytes('VmSwap'));
  } catch {
    // Not Linux, or the process has just ended.
    return 0;
  }
}

function killGroup(pid) {
  try {
    process.kill(POSIX ? -pid : pid, 'SIGKILL');
  } catch {
    // The group is empty by now.
  }
}
