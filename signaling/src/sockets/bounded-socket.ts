/** The server's end of a stranger's WebSocket: every message is judged first, and a slow reader is cut off. */
import { WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '@llmesh/core/base/clock';

/** The most bytes that may wait for one reader, in this server's memory. */
export const MAX_BUFFERED_BYTES = 1_048_576;
/** And for all readers of one kind of socket together: those with the most are cut first. */
export const MAX_ALL_BUFFERED_BYTES = 134_217_728;
export const PING_MS = 5000;

/** Close codes of the private range (RFC 6455 §7.4.2), named after the HTTP status with the same meaning. */
export const CLOSE = {
  /** RFC 6455 §7.4.1 */
  normal: 1000,
  badMessage: 4400,
  notProven: 4401,
  helloTimeout: 4408,
  replaced: 4409,
  versionMismatch: 4426,
  busy: 4503,
  rateLimited: 4429,
  /** RFC 6455 §7.4.1 */
  goingAway: 1001,
} as const;

export class BoundedSocket extends WebSocket {
  /** Sees every message first; false hides it from everyone else. */
  admit: ((data: Buffer, isBinary: boolean) => boolean) | null = null;
  /** Too much waits for this reader; the connection is being cut. */
  slow: (() => void) | null = null;

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message' && this.admit !== null) {
      // `ws` passes one Buffer per message unless binaryType says otherwise, which nothing here does.
      const [data, isBinary] = args as [Buffer, boolean];
      if (!this.admit(data, isBinary)) return true;
    }
    return super.emit(event, ...args);
  }

  override send(data: string): void {
    if (this.#keepsUp()) super.send(data);
  }

  /** Like `send`, for UTF-8 that others are sent as well: it is not copied. */
  sendText(data: Buffer): void {
    if (this.#keepsUp()) super.send(data, { binary: false });
  }

  /** `flushed`: it is with the operating system, or the connection is gone. */
  sendBytes(data: Uint8Array, flushed: () => void): void {
    if (this.#keepsUp()) super.send(data, flushed);
  }

  #keepsUp(): boolean {
    if (this.readyState !== WebSocket.OPEN) return false;
    if (this.bufferedAmount <= MAX_BUFFERED_BYTES) return true;
    this.slow?.();
    this.terminate();
    return false;
  }
}

export type BoundedServer = InstanceType<typeof WebSocketServer<typeof BoundedSocket>>;

/** A WebSocketServer with such sockets; pass it its upgrades. */
export function boundedServer(options: { maxPayload: number; path?: string }): BoundedServer {
  // How long a socket that was told to close may take; @types/ws does not know it yet.
  const closeTimeout = { closeTimeout: 2000 };
  // One message per socket, then everyone else has a turn: a read may bring dozens of them at once.
  const fair = { allowSynchronousEvents: false };
  return new WebSocketServer({ noServer: true, WebSocket: BoundedSocket, ...closeTimeout, ...fair, ...options });
}

/**
 * Cuts connections whose other end vanished: no pong from one ping to the next, and no message either, as a pong may
 * have to wait behind one. Returns the function that stops it.
 */
export function cutHalfOpen(server: BoundedServer, clock: Clock): () => void {
  const waiting = new WeakSet<BoundedSocket>();
  server.on('connection', (socket) => {
    for (const event of ['pong', 'message'] as const) socket.on(event, () => waiting.delete(socket));
  });
  const round = () => {
    for (const socket of server.clients) {
      // We are not reading from it at the moment.
      if (socket.isPaused) waiting.delete(socket);
      if (waiting.has(socket)) {
        socket.terminate();
      } else if (socket.readyState === WebSocket.OPEN) {
        waiting.add(socket);
        socket.ping();
      }
    }
    cutSlowest(server);
    stop = clock.after(PING_MS, round);
  };
  let stop = clock.after(PING_MS, round);
  return () => stop();
}

/** Each may be within its limit, and all of them together still too many. */
function cutSlowest(server: BoundedServer): void {
  const behind = [...server.clients].filter((socket) => socket.bufferedAmount > 0);
  let waiting = behind.reduce((sum, socket) => sum + socket.bufferedAmount, 0);
  if (waiting <= MAX_ALL_BUFFERED_BYTES) return;
  for (const socket of behind.toSorted((a, b) => b.bufferedAmount - a.bufferedAmount)) {
    if (waiting <= MAX_ALL_BUFFERED_BYTES) break;
    waiting -= socket.bufferedAmount;
    socket.slow?.();
    socket.terminate();
  }
}

/** Says goodbye to all, and does not wait for those that do not answer. */
export async function closeSockets(server: BoundedServer, clock: Clock): Promise<void> {
  const all = [...server.clients];
  const gone = all.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
  for (const socket of all) socket.close(CLOSE.goingAway, 'The mesh is shutting down.');
  const stop = clock.after(500, () => all.forEach((socket) => socket.terminate()));
  await Promise.all(gone);
  stop();
  server.close();
}
