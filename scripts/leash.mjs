/** Loaded into every process that `npm start` starts: ends it when the one that started it is gone, however that ended. */
const GRACE_MS = 3000;

// Node hands `--import` on to what such a process forks itself. Their channel is not ours to touch.
if (process.ppid === Number(process.env.LLMESH_STARTED_BY)) {
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), GRACE_MS).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  // Listening must not keep alive a process that has nothing left to do.
  process.channel?.unref();
}
