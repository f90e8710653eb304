/** What the files of other programs have in common: messages that hang together as a tree, of which one line was last looked at. */
import { asLabel } from '@llmesh/core/base/label';
import { MOST_TITLE, titleOf } from '../title.ts';
import { foreignTurn, idFrom, MOST_TEXT, MOST_TURNS, type CarriedTalk } from './carried-talk.ts';

export interface ForeignMessage {
  role: 'user' | 'assistant';
  text: string;
  /** The model that wrote it; null: unknown. */
  model: string | null;
}

export interface ForeignTalk {
  /** As the other program names it. */
  id: string;
  title: string;
  /** Seconds since 1970, or milliseconds; null: unknown. */
  created: number | null;
  updated: number | null;
  messages: readonly ForeignMessage[];
}

/** Dates beyond this are milliseconds: it is the year 5138 in seconds. */
const MOST_SECONDS = 1e11;

/** null: nothing was said in it. It is one of this device until its reader says otherwise. */
export function carriedTalk(program: string, talk: ForeignTalk, now: number): CarriedTalk | null {
  const said = talk.messages.filter(({ text }) => text.trim() !== '' && text.length <= MOST_TEXT).slice(0, MOST_TURNS);
  if (said.length === 0) return null;
  const id = idFrom(program, talk.id);
  const turns = said.map(({ role, text, model }, i) => {
    const writer = model === null ? program : `${program}, ${asLabel(model, 60)}`;
    return foreignTurn(idFrom(program, talk.id, String(i)), role, text, writer);
  });
  const title = asLabel(talk.title, MOST_TITLE);
  const updatedAt = millis(talk.updated ?? talk.created) ?? now;
  const about = { created: millis(talk.created) ?? updatedAt, updatedAt, scope: 'device', models: {} } as const;
  return {
    talk: {
      ...about,
      id,
      title: title === '' ? titleOf(turns) : title,
      named: title !== '',
      pinned: false,
      tip: null,
      asking: null,
    },
    turns,
  };
}

/** The messages from the root to this one. A tree that runs in circles, or is deeper than any talk, is cut. */
export function lineTo<Node>(
  last: string,
  nodeOf: (id: string) => Node | undefined,
  parentOf: (node: Node) => string | null,
) {
  const line: Node[] = [];
  const seen = new Set<string>();
  for (let id: string | null = last; id !== null && !seen.has(id) && line.length <= MOST_TURNS;) {
    seen.add(id);
    const node = nodeOf(id);
    if (node === undefined) break;
    line.push(node);
    id = parentOf(node);
  }
  return line.reverse();
}

function millis(time: number | null): number | null {
  if (time === null || !Number.isFinite(time) || time <= 0) return null;
  return Math.round(time < MOST_SECONDS ? time * 1_000 : Math.min(time, 8.64e15));
}
