/**
 * Conversations as the store keeps them, in small records: one for the list, and one a turn. Each is parsed when it is read back,
 * so that a damaged one loses itself only.
 */
import * as v from 'valibot';
import { ERROR_CODES } from '@llmesh/core/base/errors';
import { isModelId, isPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { MAX_TOKEN_ID, MAX_TOKEN_IDS } from '@llmesh/core/wire/peer-limits';
import { KeptScope } from '../scope.ts';
import { AskedAdapterSchema } from './adapters/adapter-choice.svelte.ts';
import { AskingSchema, type Asking } from './asking/asking.ts';
import { AnswerBillSchema } from './check/answer-bill.ts';
import { AnswerCheckSchema } from './check/answer-check.ts';
import { QuestionFilesSchema } from './files/question-file.ts';
import { isBranched } from './branches/branches.ts';
import { titleOf } from './title.ts';
import type { ShownTurn } from './turn.ts';

/**
 * Of the layout. What a newer page has kept is left alone by this one, and so do earlier pages with conversations that have branches or
 * are asked in a way of their own: they would take all branches for one conversation, and forget the rest. Pages from before there
 * were files and words that end an answer leave those alone that have any.
 */
const VERSION = 1;
const RICHER_VERSION = 2;
const FILES_VERSION = 3;

const ModelSchema = v.object({
  id: v.custom<ModelId>(isModelId),
  name: v.string(),
  quant: v.string(),
  sha256: v.optional(v.nullable(v.string())),
  adapter: v.optional(AskedAdapterSchema),
});

const Order = v.pipe(v.number(), v.integer(), v.minValue(0));
const ChosenModel = v.optional(v.fallback(v.optional(ModelSchema), undefined));

const TalkSchema = v.object({
  version: v.picklist([VERSION, RICHER_VERSION, FILES_VERSION]),
  id: v.string(),
  title: v.string(),
  /** Its person has named it: the title does not follow the first question. Missing in those kept before anybody could. */
  named: v.optional(v.boolean(), false),
  /** It stands above the others. */
  pinned: v.optional(v.boolean(), false),
  /** Milliseconds since 1970. */
  created: v.number(),
  updatedAt: v.number(),
  /** The order of its next turn. */
  next: Order,
  /** The last turn of the branch that is shown; null: there is one line only. */
  tip: v.optional(v.nullable(v.string()), null),
  /** How its questions are asked; null: as all are. */
  asking: v.optional(v.fallback(v.nullable(AskingSchema), null), null),
  /** The orders of the answers that wait until somebody comes. */
  waiting: v.array(Order),
  /** Who may run its next question. */
  scope: KeptScope,
  /** The model that was chosen in it, within each scope. */
  models: v.fallback(v.object({ device: ChosenModel, trusted: ChosenModel, anyone: ChosenModel }), {}),
});
export type Talk = v.InferOutput<typeof TalkSchema>;

/** What the list shows of a conversation. */
export interface Summary extends Pick<Talk, 'id' | 'title' | 'pinned' | 'updatedAt' | 'scope'> {
  /** Whether it holds a question that is sent when somebody comes. */
  waiting: boolean;
}

export interface KeptTurn {
  /** Its place among the turns of its conversation. */
  order: number;
  turn: ShownTurn;
}

const SeamSchema = v.object({
  provider: v.nullable(v.custom<PeerId>(isPeerId)),
  native: v.boolean(),
  atToken: v.number(),
  pauseMs: v.number(),
  sameFile: v.boolean(),
  // Missing in answers kept before people could continue one.
  continued: v.optional(v.boolean(), false),
});

const IdsSchema = v.object({
  tokenIds: v.pipe(
    v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_TOKEN_ID))),
    v.minLength(1),
    v.maxLength(MAX_TOKEN_IDS),
  ),
  sha256: v.string(),
});

// Missing where it follows the turn kept before it.
const After = v.optional(v.nullable(v.string()));

const TurnSchema = v.variant('role', [
  v.object({
    role: v.literal('user'),
    id: v.string(),
    after: After,
    files: v.optional(v.fallback(v.optional(QuestionFilesSchema), undefined)),
    text: v.string(),
  }),
  v.object({
    role: v.literal('assistant'),
    id: v.string(),
    after: After,
    edited: v.optional(v.literal(true)),
    scope: KeptScope,
    model: v.nullable(ModelSchema),
    state: v.picklist([
      'waiting',
      'looking',
      'queued',
      'reading',
      'writing',
      'done',
      'stopped',
      'failed',
      'interrupted',
    ]),
    why: v.nullable(v.picklist(['network', 'mesh', 'model', 'trusted', 'busy', 'device'])),
    provider: v.nullable(v.custom<PeerId>(isPeerId)),
    native: v.boolean(),
    ahead: v.number(),
    estimateMs: v.optional(v.nullable(v.number()), null),
    // Missing in answers kept before there were credits.
    behindPayers: v.optional(v.boolean(), false),
    left: v.optional(v.boolean(), false),
    text: v.string(),
    // Missing in answers kept before models thought.
    thought: v.optional(
      v.nullable(
        v.object({
          syntax: v.string(),
          thoughts: v.string(),
          said: v.string(),
          ms: v.number(),
          isThinking: v.boolean(),
        }),
      ),
      null,
    ),
    tokens: v.number(),
    most: v.optional(v.number()),
    // Optional: a text can be continued without ids.
    ids: v.optional(v.fallback(v.nullable(IdsSchema), null), null),
    // Missing in answers kept before conversations of other programs could come in.
    foreign: v.optional(v.nullable(v.string()), null),
    // Missing in answers kept before others could continue them.
    seams: v.optional(v.array(SeamSchema), []),
    tokensPerSecond: v.nullable(v.number()),
    receipt: v.nullable(
      v.object({
        path: v.nullable(v.picklist(['direct', 'relay'])),
        firstTokenMs: v.nullable(v.number()),
        tokensPerSecond: v.nullable(v.number()),
        completionTokens: v.number(),
        cut: v.boolean(),
        // Missing in conversations kept before there were receipts.
        signed: v.optional(v.picklist(['signed', 'refused', 'none']), 'none'),
      }),
    ),
    // Missing in answers kept before any were checked.
    check: v.optional(v.fallback(v.nullable(AnswerCheckSchema), null), null),
    // Missing in answers kept before there were credits.
    bill: v.optional(v.fallback(v.nullable(AnswerBillSchema), null), null),
    error: v.nullable(v.object({ code: v.picklist(ERROR_CODES), message: v.string() })),
  }),
]);

/**
 * Where a turn is kept. Its id belongs to it: a conversation whose last turn was taken out begins anew with its first place, and
 * another tab may hear of that late.
 */
export interface TurnPlace {
  id: string;
  order: number;
}

export const TALKS = 'talk/';
export const TURNS = 'turn/';
export const DRAFTS = 'draft/';

export const talkKey = (id: string) => TALKS + id;
export const draftKey = (id: string) => DRAFTS + id;
/** All turns of a conversation lie below it. */
export const turnsOf = (talk: string) => `${TURNS}${talk}/`;
/** Sorts as its order does. */
export const turnKey = (talk: string, order: number) => turnsOf(talk) + String(order).padStart(9, '0');

/** What a key of a turn names; null: no such key. */
export function placeOf(key: string): { talk: string; order: number } | null {
  const [, talk, order] = /^turn\/([^/]+)\/(\d+)$/.exec(key) ?? [];
  return talk === undefined ? null : { talk, order: Number(order) };
}

export function newTalk(id: string, title: string, now: number): Talk {
  return {
    version: VERSION,
    id,
    title,
    named: false,
    pinned: false,
    created: now,
    updatedAt: now,
    next: 0,
    tip: null,
    asking: null,
    waiting: [],
    scope: 'device',
    models: {},
  };
}

/** The record of a conversation, as its turns tell it. It goes to nobody until the person says so. */
export function talkFrom(id: string, turns: readonly KeptTurn[], now: number): Talk {
  const waiting = turns.filter(({ turn }) => turn.role === 'assistant' && turn.state === 'waiting');
  const all = turns.map(({ turn }) => turn);
  return {
    ...newTalk(id, titleOf(all), now),
    ...richer(isBranched(all) ? (all.at(-1)?.id ?? null) : null, null, all.some(hasFiles)),
    next: Math.max(-1, ...turns.map(({ order }) => order)) + 1,
    waiting: waiting.map(({ order }) => order),
  };
}

export function isNewer(value: unknown): boolean {
  const { version } = (value ?? {}) as { version?: unknown };
  return typeof version === 'number' && version > FILES_VERSION;
}

/** Whether pages from before there were files must leave this alone. */
export function hasFiles(turn: ShownTurn): boolean {
  return turn.role === 'user' && turn.files !== undefined;
}

/** What the record of a conversation says of its branches and the way it is asked, and the layout that it has for that. */
export function richer(
  tip: string | null,
  asking: Asking | null,
  files: boolean,
): Pick<Talk, 'version' | 'tip' | 'asking'> {
  const version = files ? FILES_VERSION : tip === null && asking === null ? VERSION : RICHER_VERSION;
  return { version, tip, asking };
}

/** Whether it has files, or had them. */
export function mayHaveFiles({ version }: Pick<Talk, 'version'>): boolean {
  return version === FILES_VERSION;
}

/** `null` when what was kept is no conversation that this page can read. */
export function parseTalk(value: unknown): Talk | null {
  const result = v.safeParse(TalkSchema, value);
  return result.success ? result.output : null;
}

export function parseTurn(value: unknown): ShownTurn | null {
  const result = v.safeParse(TurnSchema, value);
  return result.success ? result.output : null;
}

/** The same each time, until its record changes. */
export function summaryOf(talk: Talk): Summary {
  let summary = summaries.get(talk);
  if (summary === undefined) {
    const { id, title, pinned, updatedAt, scope, waiting } = talk;
    summaries.set(talk, (summary = { id, title, pinned, updatedAt, scope, waiting: waiting.length > 0 }));
  }
  return summary;
}

const summaries = new WeakMap<Talk, Summary>();
