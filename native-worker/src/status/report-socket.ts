/**
 * Tells other processes of this account the status of a data folder's worker: one JSON object per line, at once and
 * with every change. It reads nothing from them.
 */
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { makeSocketFolder, shortSocket } from '../files/short-socket.ts';
import { errno } from '../files/whole-file.ts';
import type { WorkerReport } from './worker-report.ts';

const SOCKET_FILE = 'worker.sock';
/** A reader that falls further behind is disconnected. */
const MAX_BEHIND_BYTES = 64 << 10;
const MAX_READERS = 16;
/** Changes come in bursts, so they are gathered this long. */
const TOGETHER_MS = 100;
const NOT_FOR_OTHERS = 0o177;

export function reportSocket(folder: string): string {
  if (process.platform !== 'win32') return shortSocket(path.join(folder, SOCKET_FILE));
  return `\\\\.\\pipe\\llmesh-worker-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`;
}

/** Only for the holder of the folder's lock: an existing socket is a leftover. Rejects with the system's error. */
export async function serveReport(folder: string, report: WorkerReport): Promise<{ close: () => Promise<void> }> {
  const file = reportSocket(folder);
  if (!liesIn(folder, file)) makeSocketFolder(file);
  await removeLeftOver(file);
  const readers = new Set<Socket>();
  const tell = (socket: Socket) => {
    if (socket.writableLength > MAX_BEHIND_BYTES) socket.destroy();
    else socket.write(`${JSON.stringify(report.now)}\n`);
  };
  const server = createServer((socket) => {
    readers.add(socket);
    socket.on('close', () => readers.delete(socket));
    // Nothing is read from a client but its end.
    socket.on('error', () => socket.destroy());
    socket.resume();
    tell(socket);
  });
  server.maxConnections = MAX_READERS;
  // The socket is created within the call, with the mode that it keeps.
  const umask = process.platform === 'win32' ? null : process.umask(NOT_FOR_OTHERS);
  server.listen(file);
  if (umask !== null) process.umask(umask);
  await once(server, 'listening');

  let timer: NodeJS.Timeout | null = null;
  report.onChange = () => {
    timer ??= setTimeout(() => {
      timer = null;
      for (const socket of readers) tell(socket);
    }, TOGETHER_MS);
  };
  let closed: Promise<void> | null = null;
  return {
    close: () =>
      (closed ??= new Promise<void>((resolve) => {
        report.onChange = null;
        if (timer !== null) clearTimeout(timer);
        server.close(() => resolve());
        for (const socket of readers) socket.destroy();
      })),
  };
}

/** Whether the socket is in the data folder, not in the folder for those whose own has too long a name. */
export function liesIn(folder: string, file: string): boolean {
  return process.platform === 'win32' || path.dirname(file) === folder;
}

async function removeLeftOver(file: string): Promise<void> {
  if (process.platform === 'win32') return;
  try {
    await unlink(file);
  } catch (thrown) {
    if (errno(thrown) !== 'ENOENT') throw thrown;
  }
}
