/** The tools of a chat over a fake mesh, with the text of any PDF made up: PDF.js needs a worker. */
import { PRESETS } from '../state/chat/asking/presets.ts';
import type { ChatTools } from '../state/chat/tools/chat-tools.ts';
import { AttachedFiles } from '../state/chat/files/attached-files.svelte.ts';
import { Folders } from '../state/chat/folders/folders.svelte.ts';
import { PROMPTS } from '../state/chat/prompts/prompts.ts';
import { NamedRecords } from '../state/kept/named-records.svelte.ts';
import type { FakeMesh } from './fake-mesh.ts';

export const madeUpPdfText = async () => 'Text of the PDF.';

export function openTools({ store, conversations, clock, today }: FakeMesh): ChatTools {
  const isKept = (talk: string) => conversations.has(talk);
  const failed = (error: unknown) => {
    throw error;
  };
  return {
    persistence: { isPromised: async () => false, ask: async () => true },
    files: new AttachedFiles({ store, now: () => today + clock.now(), isKept, failed, pdfText: madeUpPdfText }),
    folders: new Folders({ store, isKept, failed }),
    presets: new NamedRecords(PRESETS, store, failed),
    prompts: new NamedRecords(PROMPTS, store, failed),
  };
}
