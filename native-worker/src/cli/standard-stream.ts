/**
 * stdout and stderr of a process that matters more than its reader. A closed pipe, a terminal that is gone or a full
 * disk loses what is written there, and nothing else.
 */

/** A reader that stands still, like a terminal after Ctrl-S, misses everything beyond this much. */
const MAX_UNREAD_BYTES = 1 << 20;

type StandardStream = NodeJS.WriteStream & { _handle?: { setBlocking?: (blocking: boolean) => void } };

for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** For long-running commands: a terminal that takes nothing must not block the event loop, as it does in plain Node. */
export function neverWaitForReaders(): void {
  for (const stream of [process.stdout, process.stderr] as StandardStream[]) {
    if (stream.isTTY) stream._handle?.setBlocking?.(false);
  }
}

export function writeTo(stream: NodeJS.WriteStream, text: string): void {
  if (stream.writableLength < MAX_UNREAD_BYTES) stream.write(text);
}
