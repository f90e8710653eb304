/**
 * Files in a folder of ours that may not be what we left there: a link leads elsewhere, and a pipe never ends. Reads and
 * replaces what is a file and nothing else.
 */
import { closeSync, constants, fstatSync, openSync, rmSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';

/** Neither waits for the other end of a pipe nor follows a link. Windows knows neither flag. */
const NO_WAIT = constants.O_NONBLOCK ?? 0;
const NO_LINK = constants.O_NOFOLLOW ?? 0;
const MODE = 0o600;

/** Its `code` stands where the system's would. */
export class NoFileError extends Error {
  readonly code = 'it is not a file but a link, a pipe or a folder';
}

/** Opens it for reading. Rejects with the system's error, or NoFileError. */
export function openOwn(file: string): Promise<FileHandle> {
  return opened(file, constants.O_RDONLY | NO_WAIT | NO_LINK);
}

/** Like `openOwn`, for a file that a person may have put there: it follows links, too. */
export function openGiven(file: string): Promise<FileHandle> {
  return opened(file, constants.O_RDONLY | NO_WAIT);
}

async function opened(file: string, flags: number): Promise<FileHandle> {
  const handle = await open(file, flags).catch(explained);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new NoFileError();
}

/** Like `openOwn`. */
export function openOwnSync(file: string): number {
  let handle: number;
  try {
    handle = openSync(file, constants.O_RDONLY | NO_WAIT | NO_LINK);
  } catch (thrown) {
    return explained(thrown);
  }
  if (fstatSync(handle).isFile()) return handle;
  closeSync(handle);
  throw new NoFileError();
}

/** Its text, cut off after so many bytes. Rejects as `openOwn` does. */
export async function readOwn(file: string, mostBytes: number): Promise<string> {
  const handle = await openOwn(file);
  try {
    const bytes = Buffer.alloc(Math.min(mostBytes, (await handle.stat()).size));
    const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0);
    return bytes.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Makes a new file, for this account alone, in place of anything by that name. Rejects with the system's error. */
export async function openFresh(file: string): Promise<FileHandle> {
  await rm(file, { force: true });
  return open(file, 'wx', MODE);
}

/** Like `openFresh`. */
export function openFreshSync(file: string): number {
  rmSync(file, { force: true });
  return openSync(file, 'wx', MODE);
}

function explained(thrown: unknown): never {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  // These codes mean a link that is not followed, and a socket.
  if (code === 'ELOOP' || code === 'EMLINK' || code === 'ENXIO') throw new NoFileError();
  throw thrown;
}
