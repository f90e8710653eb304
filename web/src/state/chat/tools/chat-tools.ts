/** What the Chat page has for those who use it more; fetched once the page is there. */
import type { Presets } from '../asking/presets.ts';
import type { AttachedFiles } from '../files/attached-files.svelte.ts';
import type { Folders } from '../folders/folders.svelte.ts';
import type { Prompts } from '../prompts/prompts.ts';

/** The browser's word that it clears nothing of this site by itself when the disk gets full. */
export interface Persistence {
  isPromised: () => Promise<boolean>;
  /** Resolves with whether it promised; some ask the person. */
  ask: () => Promise<boolean>;
}

export interface ChatTools {
  persistence: Persistence;
  /** In the boxes. */
  files: AttachedFiles;
  folders: Folders;
  /** Ways of asking with names. */
  presets: Presets;
  prompts: Prompts;
}
