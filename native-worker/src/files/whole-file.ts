/** Small files that are there whole or not at all, and that never replace one. */
import { randomUUID } from 'node:crypto';
import { link, open, stat, unlink, type FileHandle } from 'node:fs/promises';

/**
 * False when there is such a file already. Mode 0600. A link, unlike a rename, replaces nothing, and unlike a file
 * that is still being written it is never read half. Rejects with the system's error.
 */
export async function createWhole(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file);
    return true;
  } catch (thrown) {
    if (errno(thrown) === 'EEXIST') return false;
    throw thrown;
  } finally {
    await unlink(draft);
  }
}

/** Its size in bytes; null when there is no such file. Rejects with the system's error. */
export async function sizeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).size;
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

/** Writes all of it there: the system may take less than it is given before it says that the disk is full. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

/** The code of a system's error, as ENOENT or EACCES; null for any other value. */
export function errno(thrown: unknown): string | null {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  return typeof code === 'string' ? code : null;
}
