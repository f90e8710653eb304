/** Where this computer keeps what outlives a run: downloaded models and their checksums, and its identity. */
import os from 'node:os';
import path from 'node:path';

/** `--data`, else LLMESH_DATA, else a folder in the user's home. Absolute; not created. */
export function dataFolder(option: string | undefined): string {
  return path.resolve(option ?? (process.env['LLMESH_DATA'] || path.join(os.homedir(), '.llmesh')));
}
