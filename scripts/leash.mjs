/** Loaded into every process that `npm start` starts: ends it when the one that started it is gone, however that ended. */
const GRACE_MS = 3000;

process.once('disconnect', () => {
  // A stop asked for by the parent closes the channel, too; a second SIGTERM to a process that is ending does no harm.
  setTimeout(() => process.exit(1), GRACE_MS).unref();
  process.kill(process.pid, 'SIGTERM');
});
// Listening must not keep alive a process that has nothing left to do.
process.channel?.unref();
