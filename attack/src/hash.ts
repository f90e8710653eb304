/** The SHA-256 of a file, as hex. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export async function hashOf(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
