/** The server's end of a WebSocket of a stranger: what it may send is judged first, and a slow reader is cut off. */
import { WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '@llmesh/core/base/clock';

/** What may wait for a reader. Behind it lies this server's memory. */
export const MAX_BUFFERED_BYTES = 1_048_576;
/** And for all readers of one kind of socket together: those with the most are cut first. */
export const MAX_ALL_BUFFERED_BYTES = 134_217_728;
export const PING_MS = 5000;

/** Close codes of the private range (RFC 6455 §7.4.2), after the HTTP status that says the same. */
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
  /** Sees every message first; on false nobody else does. */
  admit: ((data: Buffer, isBinary: boolean) => boolean) | null = null;
  /** Too much waits for this reader; the connection is being cut. */
  slow: (() => void) | null = null;

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message' && this.admit !== null) {
      // `ws` hands out one Buffer a message unless binaryType says otherwise, which nothing here does.
      const [data, isBinary] = args as [Buffer, boolean];
      if (!this.admit(data, isBinary)) return true;
    }
    return super.emit(event, ...args);
  }

  override send(data: string): void {
    if (this.#keepsUp()) super.send(data);
  }

  /** As `send`, of UTF-8 that others are sent as well: it is not copied. */
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

/** A WebSocketServer with such sockets, to be handed its upgrades. */
export function boundedServer(options: { maxPayload: number; path?: string }): BoundedServer {
  // How long a socket that was told to go may take; @types/ws does not know it yet.
  const closeTimeout = { closeTimeout: 2000 };
  // One message of each socket, then everybody else has a turn: a read may bring dozens of them at once.
  const fair = { allowSynchronousEvents: false };
  return new WebSocketServer({ noServer: true, WebSocket: BoundedSocket, ...closeTimeout, ...fair, ...options });
}

/**
 * Cuts connections whose other end is gone without a word: no pong from one ping to the next, and no message before whose
 * turn the pong may have to wait. Returns the way to stop.
 */
export function cutHalfOpen(server: BoundedServer, clock: Clock): () => void {
  const waiting = new WeakSet<BoundedSocket>();
  server.on('connection', (socket) => {
    for (const event of ['pong', 'message'] as const) socket.on(event, () => waiting.delete(socket));
  });
  const round = () => {
    for (const socket of server.clients) {
      // We do not read what it says at the moment.
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

/** Each may be let wait, and all of them together may still be too many. */
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

/** Says goodbye to everybody, and does not wait for those who do not answer. */
export async function closeSockets(server: BoundedServer, clock: Clock): Promise<void> {
  const all = [...server.clients];
  const gone = all.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
  for (const socket of all) socket.close(CLOSE.goingAway, 'The mesh is shutting down.');
  const stop = clock.after(500, () => all.forEach((socket) => socket.terminate()));
  await Promise.all(gone);
  stop();
  server.close();
}
