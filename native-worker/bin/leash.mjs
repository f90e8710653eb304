/**
 * Loaded into every guarded process: tells the guard that its event loop turns, and ends it when the guard is gone,
 * however that ended.
 */
import { Worker } from 'node:worker_threads';
import { survivesLostTerminals } from './lost-terminal.mjs';

const BEAT_MS = 1_000;
const GRACE_MS = 3_000;
/** Ends the process after this long without a parent, whatever the rest of it does. */
const ORPHAN_MS = 5_000;

/** Runs in its own thread: when the main one hangs, as in a native call, nothing else here would notice. */
const ORPHAN_WATCH = `
const { parent, pid, orphanMs } = require('node:worker_threads').workerData;
setInterval(() => {
  if (process.ppid !== parent) setTimeout(() => process.kill(pid, 'SIGKILL'), orphanMs);
}, 1_000);
`;

const parent = Number(process.env.LLMESH_STARTED_BY);

// Node hands `--import` on to the children that such a process forks. Their channel is not ours to touch.
if (process.ppid === parent) {
  survivesLostTerminals();
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), GRACE_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  // The guard notices a message that does not arrive: that is what they are for.
  setInterval(() => process.connected && process.send({ beat: true }, () => {}), BEAT_MS).unref();
  const workerData = { parent, pid: process.pid, orphanMs: ORPHAN_MS };
  new Worker(ORPHAN_WATCH, { eval: true, workerData, execArgv: [] }).unref();
  // Listening must not keep alive a process that has nothing left to do.
  process.channel?.unref();
}
