/** Server-sent events, no faster than they are read: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import type { Clock } from '@llmesh/core/base/clock';

/** Proxies and clients give up on a connection that says nothing for a minute, and some for less. */
const KEEP_ALIVE_MS = 10_000;
/** A reader that takes nothing for this long is gone, and a provider would be writing for nobody. */
const STALLED_MS = 60_000;
const KEEP_ALIVE = ': the answer is waited for\n\n';

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would collect it otherwise.
  'x-accel-buffering': 'no',
};

/** One event whose type stands above it, too, for clients that listen by type. */
export function namedEvent(type: string, data: object): string {
  return `event: ${type}\n${dataEvent(data)}`;
}

/** One event. */
export function dataEvent(data: unknown): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/**
 * `next`: the events that come next, at least one character; null at the end. It must not reject. `close` is called
 * once: at the end, when the reader is gone, and when it takes nothing any more.
 */
export function eventStream(
  next: () => Promise<string | null>,
  close: () => void,
  clock: Clock,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let pending: Promise<string | null> | null = null;
  let stopStalled = () => {};
  const finish = () => {
    stopStalled();
    close();
  };
  return new ReadableStream<Uint8Array>(
    {
      // Called when, and only when, the reader has taken what came before.
      async pull(controller) {
        stopStalled();
        pending ??= next();
        const events = await orKeepAlive(pending, clock);
        if (events !== KEEP_ALIVE) pending = null;
        if (events === null) {
          controller.close();
          finish();
          return;
        }
        controller.enqueue(encoder.encode(events));
        stopStalled = clock.after(STALLED_MS, () => {
          controller.error(new Error('The reader of this answer stopped reading.'));
          finish();
        });
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}

function orKeepAlive(events: Promise<string | null>, clock: Clock): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const stopTimer = clock.after(KEEP_ALIVE_MS, () => resolve(KEEP_ALIVE));
    events.then(resolve, reject).finally(stopTimer);
  });
}
