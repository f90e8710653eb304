/** What the Chat page has for those who use it more; fetched once the page is there. */
import type { Presets } from './asking/presets.ts';
import type { AttachedFiles } from './files/attached-files.svelte.ts';
import type { Folders } from './folders/folders.svelte.ts';
import type { Prompts } from './prompts/prompts.ts';

export interface ChatTools {
  /** In the boxes. */
  files: AttachedFiles;
  folders: Folders;
  /** Ways of asking with names. */
  presets: Presets;
  prompts: Prompts;
}
