/**
 * `llmesh worker` and `llmesh gateway` run as a process of their own under this one, which strangers cannot reach: it
 * starts them again when they hang, crash or take too much memory, and sees to it that they end when they are told to.
 */
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { GuardedProcess } from './guarded-process.mjs';
import { survivesLostTerminals } from './lost-terminal.mjs';
import { keepWatchdog, notifySystemd } from './systemd-notify.mjs';

const MAX_RESTART_SECONDS = 30;
/** What served so long has a fresh start when it stops. */
const PROVEN_MS = 60_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const POSIX = process.platform !== 'win32';
/** Of `llmesh worker`: they end by themselves, and use the terminal. */
export const SHORT_WORKER_COMMANDS = ['install', 'uninstall', 'status', 'logs'];

/** Whether what stands behind `llmesh` runs until it is stopped, and nobody guards it yet. */
export function needsGuard([command, ...rest]) {
  if (process.ppid === Number(process.env.LLMESH_STARTED_BY)) return false;
  return command === 'gateway' || (command === 'worker' && !rest.some((one) => SHORT_WORKER_COMMANDS.includes(one)));
}

/** Resolves with the exit code. `args`: of Node, from the script on. */
export async function guard(args) {
  const stopping = new AbortController();
  let child = null;
  const stop = (signal) => {
    if (!stopping.signal.aborted) notifySystemd('STOPPING=1');
    stopping.abort();
    // On Windows a signal is the end at once, and Ctrl-C is heard there without us.
    void child?.stop(POSIX || signal !== 'SIGINT' ? signal : 0);
  };
  for (const signal of SIGNALS) process.on(signal, () => stop(signal));
  if (POSIX) followSuspension(() => child);
  // Whoever reads what we say may go away; that is no reason to end.
  survivesLostTerminals();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  keepWatchdog();

  let why = '';
  for (let seconds = 1; ; seconds = Math.min(seconds * 2, MAX_RESTART_SECONDS)) {
    const startedMs = performance.now();
    let served = false;
    child = new GuardedProcess([...process.execArgv, ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      // It says so itself, in the form that was asked for.
      env: { ...process.env, LLMESH_ENDED_BEFORE: why },
    });
    child.onServing = () => {
      served = true;
      notifySystemd('READY=1', 'STATUS=Running.');
    };
    const end = await child.ended;
    if (stopping.signal.aborted) return end.code ?? 0;
    if (end.error !== null) process.stderr.write(`${end.error}\n`);
    if (end.fault === null) return end.code;
    if (!served) {
      // Another start would end the same way.
      process.stderr.write(`${end.fault}\n`);
      return end.code ?? 128 + constants.signals[end.signal];
    }
    if (performance.now() - startedMs > PROVEN_MS) seconds = 1;
    why = end.fault;
    notifySystemd(`STATUS=Starting again in ${seconds} s. ${why}`);
    try {
      await sleep(seconds * 1000, undefined, { signal: stopping.signal });
    } catch {
      // It is to stop while nothing runs.
      return 0;
    }
  }
}

/** Ctrl-Z reaches only us, and what we guard is to stand still with us. */
function followSuspension(child) {
  process.on('SIGTSTP', () => {
    child()?.pause(true);
    process.kill(process.pid, 'SIGSTOP');
  });
  process.on('SIGCONT', () => child()?.pause(false));
}
