/** The parts of a socket that a session uses: a `BoundedSocket` has them, and so has a simulated one. */
export interface PeerSocket {
  /** Sees every message first; false hides it from everyone else. */
  admit: ((data: Buffer, isBinary: boolean) => boolean) | null;
  /** Too much waits for this reader; the connection is being cut. */
  slow: (() => void) | null;
  /** Bytes that were sent and have not left. */
  readonly bufferedAmount: number;
  send(text: string): void;
  /** Like `send`, for UTF-8 that others are sent as well. */
  sendText(text: Buffer): void;
  close(code: number, reason: string): void;
  on(event: 'message', heard: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: 'error', failed: (error: Error & { code?: string }) => void): unknown;
  on(event: 'close', closed: () => void): unknown;
  once(event: 'close', closed: () => void): unknown;
}
