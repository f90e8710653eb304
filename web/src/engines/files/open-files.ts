/** The best place for files of models that this browser gives the page. The page and its worker come to the same one. */
import { fileSystem } from './file-system.ts';
import { IdbFiles } from './idb-files.ts';
import { MemoryFiles } from './memory-files.ts';
import type { ModelFiles } from './model-files.ts';
import { OpfsFiles } from './opfs-files.ts';

export async function openModelFiles(): Promise<ModelFiles> {
  const root = await fileSystem();
  if (root !== null) return new OpfsFiles(root);
  return (await IdbFiles.open()) ?? new MemoryFiles();
}
