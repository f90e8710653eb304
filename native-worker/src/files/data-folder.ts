/** The folder for everything that outlives a run: downloaded models and their checksums, and the identity. */
import { chmod, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { homeFolder } from './home-folder.ts';
import { localPath } from './local-path.ts';

const OWNER_ALONE = 0o700;
const GROUP_AND_OTHERS = 0o077;

/**
 * `--data`, else LLMESH_DATA, else a folder in the user's home. Absolute; not created. Throws identity_unusable where none of
 * them is there.
 */
export function dataFolder(option: string | undefined): string {
  const named = option ?? (process.env['LLMESH_DATA'] || undefined);
  return named === undefined ? path.join(homeFolder(), '.llmesh') : path.resolve(localPath(named));
}

/** Makes the folder if it is missing, for this account alone. Rejects with the system's error. */
export async function makeDataFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: OWNER_ALONE });
}

/**
 * Anyone who can write into the folder can redirect our files elsewhere, and anyone who can look into it sees what is lent.
 * Removes these permissions from a folder that is our own; `holds`: a file that no other folder has. Returns what it did, in
 * words for a person; null: there was nothing to do. Never rejects.
 */
export async function closeToOthers(folder: string, holds: string): Promise<string | null> {
  if (process.platform === 'win32') return null;
  try {
    const { mode, uid } = await stat(folder);
    if ((mode & GROUP_AND_OTHERS) === 0 || uid !== process.getuid?.()) return null;
    await stat(holds);
    await chmod(folder, mode & OWNER_ALONE);
    return `Other accounts could look into ${folder}: now only this one can.`;
  } catch {
    // The disk keeps no permissions, or the folder has nothing of ours yet.
    return null;
  }
}
