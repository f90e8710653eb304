/** Tells systemd the status of a service (sd_notify(3)). Node has no unix datagrams; a tool of systemd sends them. */
import { execFile } from 'node:child_process';

/** The tool waits until systemd has read the message. */
const PATIENCE_MS = 5_000;
/** The share of the time after which systemd takes us for dead, so that a late message does no harm. */
const WATCHDOG_SHARE = 1 / 3;

const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
let last = Promise.resolve();

// These variables are about this process, not about its children.
for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];

/** Sends in the order of the calls; does nothing where no systemd asked for it. Never rejects. */
export function notifySystemd(...states) {
  if (!NOTIFY_SOCKET) return;
  const options = { timeout: PATIENCE_MS, env: { ...process.env, NOTIFY_SOCKET } };
  // Without the tool nobody is told, and the service still runs.
  const tell = () => new Promise((resolve) => execFile('systemd-notify', states, options, () => resolve()));
  last = last.then(tell);
}

/** From now on systemd hears that this event loop turns, if it asked for that. */
export function keepWatchdog() {
  const ours = !WATCHDOG_PID || Number(WATCHDOG_PID) === process.pid;
  const everyMs = (Number(WATCHDOG_USEC) / 1000) * WATCHDOG_SHARE;
  if (ours && everyMs > 0) setInterval(() => notifySystemd('WATCHDOG=1'), everyMs).unref();
}
