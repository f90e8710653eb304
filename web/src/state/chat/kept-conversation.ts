/** Conversations as the store keeps them: a line for the list, and the turns. Parsed when they are read back. */
import * as v from 'valibot';
import { ERROR_CODES } from '@llmesh/core/base/errors';
import { isModelId, isPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { MAX_TOKEN_ID, MAX_TOKEN_IDS } from '@llmesh/core/protocol';
import { KeptScope } from '../scope.ts';
import { isRunning, type ShownTurn } from './turn.ts';

const SummarySchema = v.object({
  id: v.string(),
  title: v.string(),
  /** Milliseconds since 1970. */
  updatedAt: v.number(),
  /** Whether it holds a question that is sent when somebody comes. */
  waiting: v.boolean(),
  /** Who can answers next question. */
  scope: KeptScope,
});
export type Summary = v.InferOutput<typeof SummarySchema>;

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

const TurnSchema = v.variant('role', [
  v.object({ role: v.literal('user'), id: v.string(), text: v.string() }),
  v.object({
    role: v.literal('assistant'),
    id: v.string(),
    scope: KeptScope,
    model: v.nullable(
      v.object({
        id: v.custom<ModelId>(isModelId),
        name: v.string(),
        quant: v.string(),
        sha256: v.optional(v.nullable(v.string())),
      }),
    ),
    state: v.picklist(['waiting', 'looking', 'queued', 'reading', 'writing', 'done', 'stopped', 'failed']),
    why: v.nullable(v.picklist(['network', 'mesh', 'model', 'trusted', 'busy', 'device'])),
    provider: v.nullable(v.custom<PeerId>(isPeerId)),
    native: v.boolean(),
    alone: v.optional(v.boolean(), false),
    ahead: v.number(),
    estimateMs: v.optional(v.nullable(v.number()), null),
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
    // Optional: a text can be continued without ids.
    ids: v.optional(v.fallback(v.nullable(IdsSchema), null), null),
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
    error: v.nullable(v.object({ code: v.picklist(ERROR_CODES), message: v.string() })),
  }),
]);

export const summaryKey = (id: string) => `summary:${id}`;
export const turnsKey = (id: string) => `turns:${id}`;
export const SUMMARIES = 'summary:';

export function parseSummary(value: unknown): Summary | null {
  const result = v.safeParse(SummarySchema, value);
  return result.success ? result.output : null;
}

/** `null` when what was kept is not a conversation. An answer that was being written ends where the page was closed. */
export function parseTurns(value: unknown): ShownTurn[] | null {
  const result = v.safeParse(v.array(TurnSchema), value);
  if (!result.success) return null;
  return result.output.map((turn) => {
    if (turn.role === 'user' || !isRunning(turn)) return turn;
    const message =
      turn.text === ''
        ? 'The page was closed before the first word. Try again?'
        : 'Interrupted when the page closed. Press Continue to finish it.';
    return { ...turn, state: 'failed', error: { code: 'cancelled', message } };
  });
}
