/**
 * `llmesh worker` and `llmesh gateway` run as a process of their own under this one, which strangers cannot reach: it
 * starts them again when they hang, crash or take too much memory, and makes sure that they end when told to.
 */
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { GuardedProcess } from './guarded-process.mjs';
import { survivesLostTerminals } from './lost-terminal.mjs';
import { keepWatchdog, notifySystemd } from './systemd-notify.mjs';

const MAX_RESTART_SECONDS = 30;
/** After serving this long, a stop counts as the first again. */
const PROVEN_MS = 60_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const POSIX = process.platform !== 'win32';
/** Subcommands of `llmesh worker` that end on their own and use the terminal. */
export const SHORT_WORKER_COMMANDS = ['install', 'uninstall', 'status', 'logs'];

/** Whether the arguments of `llmesh` start something that runs until it is stopped and that nobody guards yet. */
export function needsGuard([command, ...rest]) {
  if (process.ppid === Number(process.env.LLMESH_STARTED_BY)) return false;
  return command === 'gateway' || (command === 'worker' && !rest.some((one) => SHORT_WORKER_COMMANDS.includes(one)));
}

/** Resolves with the exit code. `args`: Node's arguments, from the script on. */
export async function guard(args) {
  const stopping = new AbortController();
  let child = null;
  const stop = (signal) => {
    if (!stopping.signal.aborted) notifySystemd('STOPPING=1');
    stopping.abort();
    // On Windows a signal ends the process at once, and Ctrl-C reaches it without us.
    void child?.stop(POSIX || signal !== 'SIGINT' ? signal : 0);
  };
  for (const signal of SIGNALS) process.on(signal, () => stop(signal));
  if (POSIX) followSuspension(() => child);
  // The reader of our output may go away; that is no reason to end.
  survivesLostTerminals();
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  keepWatchdog();

  let why = '';
  for (let seconds = 1; ; seconds = Math.min(seconds * 2, MAX_RESTART_SECONDS)) {
    const startedMs = performance.now();
    let served = false;
    child = new GuardedProcess([...process.execArgv, ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      // The process says so itself, in the form that was asked for.
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
      // Told to stop while nothing runs.
      return 0;
    }
  }
}

/** Ctrl-Z reaches only us; the guarded process must stand still with us. */
function followSuspension(child) {
  process.on('SIGTSTP', () => {
    child()?.pause(true);
    process.kill(process.pid, 'SIGSTOP');
  });
  process.on('SIGCONT', () => child()?.pause(false));
}
