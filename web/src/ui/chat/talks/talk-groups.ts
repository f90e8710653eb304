/** Conversations by the day they were last touched; before them those that are pinned, and those that lie in folders. */
import type { Folder, Folders } from '../../../state/chat/folders/folders.svelte.ts';
import type { Summary } from '../../../state/chat/kept-conversation.ts';

export interface TalkGroup {
  name: string;
  talks: readonly Summary[];
  /** null: it is none. */
  folder: Folder | null;
}

/**
 * `talks` newest first; `now` in milliseconds since 1970; of those in no folder the first `most` are shown. `folders`: null: there are
 * none, or they do not matter. Empty groups are left out, and empty folders are not.
 */
export function talkGroups(
  all: readonly Summary[],
  now: number,
  most: number,
  folders: Pick<Folders, 'all' | 'of'> | null,
): TalkGroup[] {
  const filed = new Map<string, Summary[]>((folders?.all ?? []).map(({ id }) => [id, []]));
  const others = all.filter((talk) => {
    const folder = filed.get(folders?.of(talk.id)?.id ?? '');
    folder?.push(talk);
    return folder === undefined;
  });
  const shown = others.slice(0, most);
  const talks = shown.filter(({ pinned }) => !pinned);
  const today = new Date(now).setHours(0, 0, 0, 0);
  const yesterday = new Date(today).setDate(new Date(today).getDate() - 1);
  const days = [
    { name: 'Pinned', talks: shown.filter(({ pinned }) => pinned) },
    ...(folders?.all ?? []).map((folder) => ({ name: folder.name, talks: filed.get(folder.id)!, folder })),
    { name: 'Today', talks: talks.filter((talk) => talk.updatedAt >= today) },
    { name: 'Yesterday', talks: talks.filter((talk) => talk.updatedAt >= yesterday && talk.updatedAt < today) },
    { name: 'Earlier', talks: talks.filter((talk) => talk.updatedAt < yesterday) },
  ];
  return days
    .map((group) => ({ folder: null, ...group }))
    .filter((group) => group.talks.length > 0 || group.folder !== null);
}
