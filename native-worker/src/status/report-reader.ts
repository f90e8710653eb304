/** The status of a data folder's worker, as it reports itself. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import { checkSocketFolder } from '../files/short-socket.ts';
import { liesIn, reportSocket } from './report-socket.ts';
import { ReportSchema, type Report } from './worker-report.ts';

const MAX_BYTES = 16 << 10;
const CONNECT_MS = 2_000;
const ONE_MS = 2_000;

/** Yields the status at once and with every change, until the worker ends or `signal` aborts; nothing if none runs. */
export async function* watchReport(folder: string, signal: AbortSignal): AsyncGenerator<Report, void, undefined> {
  const file = reportSocket(folder);
  try {
    if (!liesIn(folder, file)) checkSocketFolder(file);
  } catch {
    // There is no socket, or it belongs to somebody else, who could tell us anything.
    return;
  }
  const socket = connect(file);
  const opening = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
  try {
    await once(socket, 'connect', { signal: opening });
  } catch {
    // Nobody listens: there is no worker, or it has just ended.
    socket.destroy();
    return;
  }
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  // When the socket ends, so do the lines.
  socket.on('error', end);
  let pending = 0;
  let tooLong = false;
  socket.on('data', (bytes: Buffer) => {
    const newline = bytes.lastIndexOf(10);
    pending = newline === -1 ? pending + bytes.length : bytes.length - newline;
    tooLong ||= pending > MAX_BYTES;
    if (tooLong) socket.destroy();
  });
  const lines = createInterface({ input: socket });
  socket.once('close', () => lines.close());
  try {
    for await (const line of lines) yield parse(line);
    if (tooLong) throw otherVersion();
  } finally {
    signal.removeEventListener('abort', end);
    socket.destroy();
  }
}

/** null where no worker runs with this folder. */
export async function readReport(folder: string): Promise<Report | null> {
  for await (const report of watchReport(folder, AbortSignal.timeout(ONE_MS))) return report;
  return null;
}

function parse(line: string): Report {
  try {
    return v.parse(ReportSchema, JSON.parse(line));
  } catch (cause) {
    throw otherVersion(cause);
  }
}

function otherVersion(cause?: unknown): MeshError {
  const what = 'The worker running here has another version. Stop it and start it again.';
  return new MeshError('version_mismatch', what, { cause });
}
