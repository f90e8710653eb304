/** What becomes of the turns of a conversation where some are taken out, and come back. Pure functions over records. */
import { Branches } from '../branches/branches.ts';
import {
  mayHaveFiles,
  parseTalk,
  richer,
  talkKey,
  turnKey,
  type KeptTurn,
  type Talk,
  type TurnPlace,
} from '../kept-conversation.ts';
import type { Entry, Reads } from '../../store.ts';
import { turnsIn } from './turn-reader.ts';

type Present = ReadonlyMap<string, unknown>;

/** What was taken out of a conversation, to be brought back. */
export interface TakenOut {
  /** As it was. */
  talk: Talk;
  turns: readonly KeptTurn[];
  /** The conversation went with them. */
  wasAll: boolean;
  /** Those that followed them, and now follow something else. */
  moved: readonly { order: number; id: string; from: string; to: string | null }[];
}

/** `present`: the conversation with all its turns. */
export function takenOut(
  present: Present,
  id: string,
  places: readonly TurnPlace[],
  title: string,
): { taken: TakenOut | null; entries: readonly Entry[] } {
  const talk = parseTalk(present.get(talkKey(id)));
  const all = turnsIn([...present]);
  const turns = all.filter(({ order, turn }) => places.some((place) => place.order === order && place.id === turn.id));
  const gone = turns.map(({ order }): Entry => [turnKey(id, order), undefined]);
  if (talk === null) return { taken: null, entries: gone };
  const ids = new Set(turns.map(({ turn }) => turn.id));
  const branches = new Branches(all.map(({ turn }) => turn));
  const left = all.filter(({ turn }) => !ids.has(turn.id));
  const followers = left.filter(({ turn }) => typeof turn.after === 'string' && ids.has(turn.after));
  const moved = followers.map(({ order, turn }) => ({
    order,
    id: turn.id,
    from: turn.after!,
    to: branches.leftBefore(turn.after!, ids),
  }));
  const tip = talk.tip === null ? null : (branches.leftBefore(talk.tip, ids) ?? left.at(-1)?.turn.id ?? null);
  const orders = turns.map(({ order }) => order);
  const waiting = talk.waiting.filter((order) => !orders.includes(order));
  // A damaged turn is a turn, too.
  const isEmpty = [...present.keys()].every((key) => key === talkKey(id) || gone.some(([name]) => name === key));
  return {
    taken: turns.length === 0 ? null : { talk, turns, wasAll: isEmpty, moved },
    entries: [
      ...gone,
      ...followers.map(({ order, turn }, i): Entry => [turnKey(id, order), { ...turn, after: moved[i]!.to }]),
      [talkKey(id), isEmpty ? undefined : { ...talk, title, waiting, ...richer(tip, talk.asking, mayHaveFiles(talk)) }],
    ],
  };
}

/** What `broughtBack` looks at. */
export function readsOf({ talk, turns, moved }: TakenOut): Reads {
  const orders = [...turns, ...moved].map(({ order }) => turnKey(talk.id, order));
  return { keys: [talkKey(talk.id), ...orders] };
}

export function broughtBack(present: Present, { talk, turns, wasAll, moved }: TakenOut): readonly Entry[] {
  const { id } = talk;
  const there = parseTalk(present.get(talkKey(id)));
  // The conversation was deleted since.
  if (there === null && !wasAll) return [];
  let next = Math.max(there?.next ?? 0, talk.next);
  // It was emptied, and began anew: the first of the new ones stay where they are.
  const places = turns.map(({ order, turn }) => ({ order: present.has(turnKey(id, order)) ? next++ : order, turn }));
  const waiting = places.filter(({ turn }) => turn.role === 'assistant' && turn.state === 'waiting');
  const back = moved.flatMap(({ order, id: follower, from, to }): Entry[] => {
    const [one] = turnsIn([[turnKey(id, order), present.get(turnKey(id, order))]]);
    return one?.turn.id === follower && one.turn.after === to
      ? [[turnKey(id, order), { ...one.turn, after: from }]]
      : [];
  });
  const about = there ?? { ...talk, waiting: [] };
  const tip = talk.tip ?? there?.tip ?? null;
  return [
    ...places.map(({ order, turn }): Entry => [turnKey(id, order), turn]),
    ...back,
    [
      talkKey(id),
      {
        ...about,
        next,
        waiting: [...about.waiting, ...waiting.map(({ order }) => order)],
        ...richer(tip, about.asking, mayHaveFiles(talk) || mayHaveFiles(about)),
      },
    ],
  ];
}
