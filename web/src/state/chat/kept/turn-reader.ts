/**
 * Reads the turns of a conversation. Of a long one the last come first, as they are what is seen: thousands take the browser a third
 * of a second.
 */
import { placeOf, parseTurn, turnKey, turnsOf, type KeptTurn, type Talk } from '../kept-conversation.ts';
import { Branches } from '../branches/branches.ts';
import type { Entry, Store } from '../../store.ts';

/** Far more than a screen shows. */
const LAST = 60;
/** So many are read at one go: less than a frame takes, so that what is seen goes on. */
const AT_ONE_GO = 120;

export interface ReadTurns {
  turns: readonly KeptTurn[];
  /** Reads those before, part by part; null: there are none. */
  earlier: (() => AsyncIterable<KeptTurn[]>) | null;
}

/** Reads the last turns, or all of a conversation that is not long. */
export async function readFromEnd(store: Store, talk: Talk): Promise<ReadTurns> {
  const first = talk.next - LAST;
  const turns = first > LAST ? await readRange(store, talk.id, first) : [];
  // Too many of the last were taken out to fill a screen, or belong to branches that are not shown.
  if (shownOf(turns, talk.tip) < LAST / 2) return { turns: await readAll(store, talk.id), earlier: null };
  return { turns, earlier: () => readBefore(store, talk.id, first) };
}

function shownOf(turns: readonly KeptTurn[], tip: string | null): number {
  if (tip === null) return turns.length;
  return new Branches(
    turns.map(({ turn }) => turn),
    { isWhole: false },
  ).line(tip).length;
}

export async function readAll(store: Store, talk: string): Promise<KeptTurn[]> {
  return turnsIn(await store.list(turnsOf(talk)));
}

async function* readBefore(store: Store, talk: string, end: number): AsyncIterable<KeptTurn[]> {
  for (let from = 0; from < end; from += AT_ONE_GO) {
    yield await readRange(store, talk, from, Math.min(end, from + AT_ONE_GO));
  }
}

async function readRange(store: Store, talk: string, from: number, before?: number): Promise<KeptTurn[]> {
  const range = { from: turnKey(talk, from), ...(before !== undefined && { before: turnKey(talk, before) }) };
  return turnsIn(await store.list(turnsOf(talk), range));
}

/** What can be read of these records. */
export function turnsIn(entries: readonly Entry[]): KeptTurn[] {
  const found: KeptTurn[] = [];
  for (const [key, value] of entries) {
    const place = placeOf(key);
    const turn = parseTurn(value);
    if (place !== null && turn !== null) found.push({ order: place.order, turn });
  }
  return found;
}
