/** What the store has, for whoever only looks. */
import type { StoredSummary } from '@llmesh/core/models/piece-store';
import { ContentFolder } from './content-folder.ts';
import { summaryOf } from './summary.ts';

export async function inStore(root: FileSystemDirectoryHandle): Promise<StoredSummary[]> {
  const folders = await ContentFolder.all(root);
  return await Promise.all(folders.map((folder) => summaryOf(folder, null)));
}
