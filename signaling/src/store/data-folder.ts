/** The folder of our key and the receipts, and what lies in it: for its owner's eyes, and plain files alone. */
import { chmodSync, constants, lstatSync, mkdirSync, readdirSync, statSync, type Stats } from 'node:fs';

export const OWNER_ONLY = 0o700;
const GROUP_AND_OTHERS = 0o077;
const STICKY = 0o1000;
/** A folder with one of these is a mesh's and nothing else. */
const OURS = new Set(['control.key', 'mesh.db']);

/** For opening what must be a plain file: a link is not followed, and a pipe not waited for. Zero where there is no such flag. */
export const PLAIN_FILE = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Makes it, or takes it from other accounts where it is ours: returns what to say of that, as a sentence, or null. A folder
 * that holds other things, too, is left as it is. Throws what the system says when it cannot be made.
 */
export function openDataFolder(folder: string): string | null {
  mkdirSync(folder, { recursive: true, mode: OWNER_ONLY });
  if (process.platform === 'win32') return null;
  const { mode, uid } = statSync(folder);
  if ((mode & GROUP_AND_OTHERS) === 0) return null;
  const names = readdirSync(folder);
  const ours = names.length === 0 || names.some((name) => OURS.has(name));
  if (!ours || uid !== process.getuid?.() || (mode & STICKY) !== 0) {
    return `Other accounts can look into ${folder}. A folder of its own is better: choose one with --data, or run: chmod 700 '${folder}'.`;
  }
  chmodSync(folder, OWNER_ONLY);
  return `Other accounts could look into ${folder}. Only its owner can now.`;
}

/** What stands in place of a plain file, as a sentence that says what to do; null: a file, or nothing at all. */
export function oddFile(file: string): string | null {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return null;
  return `${file} is ${kindOf(found)} and not a file. Move it away or put the file itself in its place, and start again.`;
}

function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}
