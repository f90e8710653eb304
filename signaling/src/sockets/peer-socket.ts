/** What a session uses of a socket: a `BoundedSocket` has it, and so has one that is simulated. */
export interface PeerSocket {
  /** Sees every message first; on false nobody else does. */
  admit: ((data: Buffer, isBinary: boolean) => boolean) | null;
  /** Too much waits for this reader; the connection is being cut. */
  slow: (() => void) | null;
  /** Bytes that were sent and have not left. */
  readonly bufferedAmount: number;
  send(text: string): void;
  /** As `send`, of UTF-8 that others are sent as well. */
  sendText(text: Buffer): void;
  close(code: number, reason: string): void;
  on(event: 'message', heard: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: 'error', failed: (error: Error & { code?: string }) => void): unknown;
  on(event: 'close', closed: () => void): unknown;
  once(event: 'close', closed: () => void): unknown;
}
