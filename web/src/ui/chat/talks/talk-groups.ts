/** Conversations by the day they were last touched; before them those that are pinned. */
import type { Summary } from '../../../state/chat/kept-conversation.ts';

export interface TalkGroup {
  name: string;
  talks: Summary[];
}

/** `talks` newest first; `now` in milliseconds since 1970. Empty groups are left out. */
export function talkGroups(all: readonly Summary[], now: number): TalkGroup[] {
  const talks = all.filter(({ pinned }) => !pinned);
  const today = new Date(now).setHours(0, 0, 0, 0);
  const yesterday = new Date(today).setDate(new Date(today).getDate() - 1);
  const groups: TalkGroup[] = [
    { name: 'Pinned', talks: all.filter(({ pinned }) => pinned) },
    { name: 'Today', talks: talks.filter((talk) => talk.updatedAt >= today) },
    { name: 'Yesterday', talks: talks.filter((talk) => talk.updatedAt >= yesterday && talk.updatedAt < today) },
    { name: 'Earlier', talks: talks.filter((talk) => talk.updatedAt < yesterday) },
  ];
  return groups.filter((group) => group.talks.length > 0);
}
