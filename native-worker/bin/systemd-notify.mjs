/** Tells systemd how a service stands (sd_notify(3)). Node speaks no datagrams to unix sockets; a tool of systemd does. */
import { execFile } from 'node:child_process';

/** It waits until systemd has read what it said. */
const PATIENCE_MS = 5_000;
/** Of the time after which systemd takes us for dead, so that one that is late does no harm. */
const WATCHDOG_SHARE = 1 / 3;

const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
let last = Promise.resolve();

// They are about this process, and nothing that it starts.
for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];

/** In the order of the calls; nothing where no systemd asked for it. Never rejects. */
export function notifySystemd(...states) {
  if (!NOTIFY_SOCKET) return;
  const options = { timeout: PATIENCE_MS, env: { ...process.env, NOTIFY_SOCKET } };
  // Without the tool nobody is told, and the service runs all the same.
  const tell = () => new Promise((resolve) => execFile('systemd-notify', states, options, () => resolve()));
  last = last.then(tell);
}

/** From now on systemd hears that this event loop turns, if it asked for that. */
export function keepWatchdog() {
  const ours = !WATCHDOG_PID || Number(WATCHDOG_PID) === process.pid;
  const everyMs = (Number(WATCHDOG_USEC) / 1000) * WATCHDOG_SHARE;
  if (ours && everyMs > 0) setInterval(() => notifySystemd('WATCHDOG=1'), everyMs).unref();
}
