/** Whether a file is still the one that was hashed. */
import { stat } from 'node:fs/promises';

/** Cheaper than its checksum, and as good for a file of one's own. */
export async function fileVersion(file: string): Promise<string | null> {
  try {
    const { size, mtimeMs } = await stat(file);
    return `${size} ${mtimeMs}`;
  } catch {
    // Gone, or not for us any more: not what was offered.
    return null;
  }
}
