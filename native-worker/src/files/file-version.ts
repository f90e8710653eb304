/** Whether a file is still the one that was hashed. */
import { stat } from 'node:fs/promises';

/** Cheaper than a checksum, and as good for one's own files. */
export async function fileVersion(file: string): Promise<string | null> {
  try {
    const { size, mtimeMs } = await stat(file);
    return `${size} ${mtimeMs}`;
  } catch {
    // It is gone, or may not be read any more: it is not what was offered.
    return null;
  }
}
