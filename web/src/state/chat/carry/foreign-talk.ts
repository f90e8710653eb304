/** What the files of other programs have in common: messages that hang together as a tree, of which one line was looked at last. */
import { asLabel } from '@llmesh/core/base/label';
import { MOST_TITLE, titleOf } from '../title.ts';
import { foreignTurn, idFrom, MOST_TEXT, MOST_TURNS, type CarriedTalk } from './carried-talk.ts';

export interface Said {
  role: 'user' | 'assistant';
  text: string;
  /** The model that wrote it; null: unknown. */
  model: string | null;
}

export interface ForeignMessage extends Said {
  id: string;
  /** The message that it follows, which comes before it; null: none. */
  after: string | null;
}

export interface ForeignTalk {
  /** As the other program names it. */
  id: string;
  title: string;
  /** Seconds since 1970, or milliseconds; null: unknown. */
  created: number | null;
  updated: number | null;
  messages: readonly ForeignMessage[];
  /** The message that was looked at last; null: unknown. */
  last: string | null;
}

/** With tools and hidden ones among them, there are more than messages. */
const MOST_NODES = 4 * MOST_TURNS;
/** Dates beyond this are milliseconds: it is the year 5138 in seconds. */
const MOST_SECONDS = 1e11;

/** null: nothing was said in it. It is one of this device until its reader says otherwise. */
export function carriedTalk(program: string, talk: ForeignTalk, now: number): CarriedTalk | null {
  const { messages } = talk;
  if (messages.length === 0) return null;
  const id = idFrom(program, talk.id);
  const ids = new Map(messages.map((message, i) => [message.id, idFrom(program, talk.id, String(i))]));
  // Where each follows the one before it, nothing needs to be said of that.
  const isBranched = messages.some(({ after }, i) => after !== (messages[i - 1]?.id ?? null));
  const turns = messages.map(({ id: own, role, text, model, after }) => {
    const writer = model === null ? program : `${program}, ${asLabel(model, 60)}`;
    const turn = foreignTurn(ids.get(own)!, role, text, writer);
    return isBranched ? { ...turn, after: after === null ? null : ids.get(after)! } : turn;
  });
  const tip = isBranched ? (ids.get(talk.last ?? '') ?? turns.at(-1)!.id) : null;
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
      tip,
      asking: null,
    },
    turns,
  };
}

/** Messages as another program hangs them together. */
export interface ForeignTree<Node> {
  ids: readonly string[];
  /** undefined: there is none, or it cannot be read. */
  nodeOf: (id: string) => Node | undefined;
  parentOf: (node: Node) => string | null;
  /** null: it is no part of what was said. */
  saidIn: (node: Node) => Said | null;
}

/**
 * All that was said, each after what it follows; of versions the oldest first, as the file lists them. `last`: what was looked at last.
 * A tree that runs in circles is cut, and one that is larger than any talk, too.
 */
export function branchesOf<Node>(
  last: string,
  { ids, nodeOf, parentOf, saidIn }: ForeignTree<Node>,
): Pick<ForeignTalk, 'messages' | 'last'> {
  const nodes = new Map<string, Node>();
  for (const id of [last, ...ids.slice(0, MOST_NODES)]) {
    const node = nodeOf(id);
    if (node !== undefined) nodes.set(id, node);
  }
  const children = new Map<string | null, string[]>([[null, []]]);
  for (const id of ids.filter((one) => nodes.has(one))) {
    const parent = parentOf(nodes.get(id)!);
    const under = parent !== null && nodes.has(parent) ? parent : null;
    const there = children.get(under);
    if (there === undefined) children.set(under, [id]);
    else there.push(id);
  }
  const messages: ForeignMessage[] = [];
  const seen = new Set<string>();
  let shown: string | null = null;
  const walk = (root: string) => {
    const open = [{ id: root, after: null as string | null }];
    for (let next = open.pop(); next !== undefined && messages.length < MOST_TURNS; next = open.pop()) {
      const { id, after } = next;
      if (seen.has(id)) continue;
      seen.add(id);
      const said = saidIn(nodes.get(id)!);
      const isSaid = said !== null && said.text.trim() !== '' && said.text.length <= MOST_TEXT;
      if (isSaid) messages.push({ ...said, id, after });
      const behind = isSaid ? id : after;
      if (id === last) shown = behind;
      for (const child of (children.get(id) ?? []).toReversed()) open.push({ id: child, after: behind });
    }
  };
  for (const root of children.get(null)!) walk(root);
  // Whatever leads there runs in a circle.
  if (nodes.has(last) && !seen.has(last)) walk(last);
  return { messages, last: shown };
}

function millis(time: number | null): number | null {
  if (time === null || !Number.isFinite(time) || time <= 0) return null;
  return Math.round(time < MOST_SECONDS ? time * 1_000 : Math.min(time, 8.64e15));
}
