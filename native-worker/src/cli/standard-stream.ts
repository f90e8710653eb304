/**
 * stdout and stderr of a process that matters more than whoever reads it. A closed pipe, a terminal that is gone and a
 * full disk lose what is written there, and nothing else.
 */

/** A reader that stands still, as a terminal after Ctrl-S, misses what comes after so much. */
const MAX_UNREAD_BYTES = 1 << 20;

type StandardStream = NodeJS.WriteStream & { _handle?: { setBlocking?: (blocking: boolean) => void } };

for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** In commands that run long: a terminal that takes nothing must not hold the event loop, as Node lets it. */
export function neverWaitForReaders(): void {
  for (const stream of [process.stdout, process.stderr] as StandardStream[]) {
    if (stream.isTTY) stream._handle?.setBlocking?.(false);
  }
}

export function writeTo(stream: NodeJS.WriteStream, text: string): void {
  if (stream.writableLength < MAX_UNREAD_BYTES) stream.write(text);
}
