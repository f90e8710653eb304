/** What earlier pages kept, a conversation as one value, becomes records. Nothing of it is lost, and it happens once. */
import * as v from 'valibot';
import { newTaskId } from '@llmesh/core/base/ids';
import { next } from '../answer-change.ts';
import {
  draftKey,
  newTalk,
  parseTalk,
  parseTurn,
  placeOf,
  talkFrom,
  talkKey,
  turnKey,
  turnsOf,
} from '../kept-conversation.ts';
import type { KeptTurn, Talk } from '../kept-conversation.ts';
import type { Locks } from '../../locks.ts';
import { KeptScope } from '../../scope.ts';
import type { Entry, Store } from '../../store.ts';
import type { ShownTurn } from '../turn.ts';
import { DRAFT, SUMMARY } from './earlier-pages.ts';

const TURNS = 'turns:';

const SummarySchema = v.object({ title: v.string(), updatedAt: v.number(), scope: KeptScope });

/** Also takes what a tab with an earlier page has kept since. Rejects when the store does. */
export async function migrate(store: Store, locks: Locks, now: () => number): Promise<void> {
  const old = (await store.list(SUMMARY)).map(([key]) => key.slice(SUMMARY.length));
  const release = await locks.hold('migrate', new AbortController().signal);
  try {
    for (const id of old) await migrateTalk(store, id, now());
    await store.change({ keys: [DRAFT] }, (present) => {
      const text = present.get(DRAFT);
      const kept: Entry[] =
        typeof text === 'string' && text !== '' ? [[draftKey(newTaskId()), { text, at: now() }]] : [];
      return [[DRAFT, undefined], ...kept];
    });
  } finally {
    release();
  }
}

async function migrateTalk(store: Store, id: string, now: number): Promise<void> {
  const [summaryKey, turnsKey, key] = [SUMMARY + id, TURNS + id, talkKey(id)];
  const reads = { keys: [summaryKey, turnsKey, key], prefixes: [turnsOf(id)] };
  await store.change(reads, (present) => {
    const gone: Entry[] = [
      [summaryKey, undefined],
      [turnsKey, undefined],
    ];
    // Another tab was faster.
    if (!present.has(summaryKey)) return [];
    const known = turnsAmong(present);
    const talk = parseTalk(present.get(key));
    const added = turnsOfOld(present.get(turnsKey)).filter(
      ({ id: turn }) => !known.some((one) => one.turn.id === turn),
    );
    const from = talk?.next ?? 0;
    const turns = [...known, ...added.map((turn, i) => ({ order: from + i, turn }))];
    const summary = v.safeParse(SummarySchema, present.get(summaryKey));
    const told: Partial<Talk> = summary.success ? summary.output : {};
    const made: Talk = { ...newTalk(id, '', now), ...talkFrom(id, turns, now), ...(talk ?? told), id };
    const { next: after, waiting } = talkFrom(id, turns, now);
    return [
      ...gone,
      [key, { ...made, next: Math.max(after, talk?.next ?? 0), waiting }],
      ...added.map((turn, i): Entry => [turnKey(id, from + i), turn]),
    ];
  });
}

/** Each turn that can be read. An answer that was being written ends where its page was closed. */
function turnsOfOld(kept: unknown): ShownTurn[] {
  const turns = (Array.isArray(kept) ? kept : []).map(parseTurn).filter((turn) => turn !== null);
  return turns.map((turn) => (turn.role === 'assistant' ? next(turn, { type: 'closed' }) : turn));
}

function turnsAmong(present: ReadonlyMap<string, unknown>): KeptTurn[] {
  return [...present].flatMap(([key, value]) => {
    const place = placeOf(key);
    const turn = parseTurn(value);
    return place === null || turn === null ? [] : [{ order: place.order, turn }];
  });
}
