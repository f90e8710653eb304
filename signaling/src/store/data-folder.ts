/** The folder with our key and the receipts: readable by its owner only, with plain files only. */
import { chmodSync, constants, lstatSync, mkdirSync, readdirSync, statSync, type Stats } from 'node:fs';

export const OWNER_ONLY = 0o700;
const GROUP_AND_OTHERS = 0o077;
const STICKY = 0o1000;
/** A folder with one of these belongs to a mesh alone. */
const OURS = new Set(['control.key', 'mesh.db']);

/** Flags to open a plain file only: they follow no link and wait for no pipe. Zero on systems without them. */
export const PLAIN_FILE = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Creates it, or closes our own one to other accounts: returns a sentence about that, or null. A folder that also holds
 * other things is left as it is. Throws the system's error when it cannot be created.
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

/** What is there instead of a plain file, as a sentence that says what to do; null: a plain file, or nothing. */
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
