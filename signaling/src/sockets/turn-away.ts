/** Refuses a WebSocket with an HTTP answer, before the upgrade. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Refusal {
  status: number;
  /** For the counters. */
  code: string;
  /** For a person. */
  why: string;
}

export function turnAway(socket: Duplex, { status, why }: Refusal): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(why)}`,
  ];
  // The other end may never close its half.
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${why}`);
}
