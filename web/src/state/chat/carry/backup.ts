/** Conversations as a file of our own: all that is kept of them, and nothing of drafts, keys or settings. */
import * as v from 'valibot';
import { isTaskId } from '@llmesh/core/base/ids';
import { next } from '../answer-change.ts';
import { isBranched } from '../branches/branches.ts';
import { hasFiles, parseTalk, parseTurn, type Talk } from '../kept-conversation.ts';
import { isRunning, newAnswer, type ShownTurn } from '../turn.ts';
import { CarryError, MOST_TALKS, MOST_TEXT, MOST_TURNS, type CarriedTalk, type Incoming } from './carried-talk.ts';
import { NamedThingsSchema, type NamedThings } from './named-things.ts';
import { MOST_TITLE } from '../title.ts';

export const FORMAT = 'llmesh-conversations';
const VERSION = 1;
/** With what earlier pages know nothing of: branches, and ways of asking. */
const RICHER_VERSION = 2;
/** With files that go with questions. */
const FILES_VERSION = 3;

const FileSchema = v.object({
  format: v.literal(FORMAT),
  version: v.number(),
  conversations: v.array(v.unknown()),
});
const EntrySchema = v.object({
  id: v.custom<string>(isTaskId),
  title: v.pipe(v.string(), v.maxLength(MOST_TITLE)),
  created: v.number(),
  updatedAt: v.number(),
  turns: v.pipe(v.array(v.unknown()), v.maxLength(MOST_TURNS)),
});

/** `named`: what goes along; null: nothing. */
export function asBackup(carried: readonly CarriedTalk[], named: NamedThings | null = null): string {
  const conversations = carried.map(({ talk, turns }) => ({ ...talk, turns: turns.map(rested) }));
  const isRich = carried.some(({ talk }) => talk.tip !== null || talk.asking !== null);
  const version = carried.some(({ turns }) => turns.some(hasFiles)) ? FILES_VERSION : isRich ? RICHER_VERSION : VERSION;
  return JSON.stringify({ format: FORMAT, version, ...named, conversations });
}

/** Whether this is one, of whatever version. */
export function isBackup(json: unknown): boolean {
  return v.is(v.object({ format: v.literal(FORMAT) }), json);
}

/** Throws a CarryError where nothing of it can be read. What can is taken, one by one. */
export function readBackup(json: unknown): Incoming {
  const file = v.safeParse(FileSchema, json);
  if (!file.success) throw new CarryError('This file of conversations is damaged. Save it again where it came from.');
  if (file.output.version > FILES_VERSION) {
    throw new CarryError('This file was saved by a newer LLMesh. Reload this page to update it, and try again.');
  }
  const read = file.output.conversations.slice(0, MOST_TALKS).map(carriedFrom);
  const talks = read.filter((one) => one !== null);
  const named = v.parse(NamedThingsSchema, json);
  return { talks, leftOut: file.output.conversations.length - talks.length, named };
}

function carriedFrom(value: unknown): CarriedTalk | null {
  const entry = v.safeParse(EntrySchema, value);
  if (!entry.success) return null;
  const { turns, ...about } = entry.output;
  const talk = parseTalk({ ...(value as object), ...about, version: 1, next: 0, waiting: [] });
  if (talk === null) return null;
  const read = turns.map(parseTurn).filter((turn) => turn !== null);
  const ids = new Set<string>();
  const own = read.filter(({ id, text }) => text.length <= MOST_TEXT && !ids.has(id) && ids.add(id));
  const tip = isBranched(own) ? (talk.tip ?? own.at(-1)!.id) : null;
  return { talk: { ...aboutOf(talk), tip }, turns: own.map(rested) };
}

export function aboutOf({
  id,
  title,
  created,
  updatedAt,
  scope,
  models,
  named,
  pinned,
  tip,
  asking,
}: Talk): CarriedTalk['talk'] {
  return { id, title, created, updatedAt, scope, models, named, pinned, tip, asking };
}

/** Nobody writes it where it comes to, and nothing is asked there that was only waiting here. */
export function rested(turn: ShownTurn): ShownTurn {
  if (turn.role === 'user') return turn;
  if (isRunning(turn)) return next(turn, { type: 'closed' });
  if (turn.state !== 'waiting') return turn;
  return next(turn, { type: 'stopped', ids: turn.ids, before: newAnswer(turn.id, turn.scope, turn.model) });
}
