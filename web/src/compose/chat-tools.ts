/** Opens what the Chat page has for those who use it more: files, saved prompts, presets and folders. */
import { pdfText } from '../adapters/pdf/pdf-text.ts';
// oxlint-disable-next-line import/default -- Vite makes it: the address of the built worker.
import pdfWorkerUrl from '../adapters/pdf/pdf-worker.ts?worker&url';
import { notKept } from '../adapters/log.ts';
import { askToPersist, isPersisted } from '../adapters/storage-room.ts';
import { PRESETS } from '../state/chat/asking/presets.ts';
import { AttachedFiles } from '../state/chat/files/attached-files.svelte.ts';
import type { FileTextNeeds } from '../state/chat/files/file-text.ts';
import { Folders } from '../state/chat/folders/folders.svelte.ts';
import { PROMPTS } from '../state/chat/prompts/prompts.ts';
import { NamedRecords } from '../state/kept/named-records.svelte.ts';
import type { Store } from '../state/store.ts';
import type { ChatTools } from '../state/chat/tools/chat-tools.ts';

/** Rejects when the store does. `isKept`: whether there is a conversation of this id. */
export async function openChatTools(
  store: Store,
  records: Store,
  isKept: (talk: string) => boolean,
): Promise<ChatTools> {
  const kept = {
    files: new AttachedFiles({ store, now: Date.now, isKept, failed: notKept, pdfText: pdfTextInWorker }),
    folders: new Folders({ store: records, isKept, failed: notKept }),
    presets: new NamedRecords(PRESETS, records, notKept),
    prompts: new NamedRecords(PROMPTS, records, notKept),
  };
  await Promise.all(Object.values(kept).map((tool) => tool.restore()));
  return { ...kept, persistence: { isPromised: isPersisted, ask: askToPersist } };
}

const pdfTextInWorker: FileTextNeeds['pdfText'] = (...args) =>
  pdfText(new Worker(pdfWorkerUrl, { type: 'module' }), ...args);
