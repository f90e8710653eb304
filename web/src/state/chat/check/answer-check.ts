/** What auditors found about an answer: shown below it, and kept with it. */
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import * as v from 'valibot';

/** More than ever check one answer. */
const MOST_CHECKS = 8;
/** The evidence for one answer and the reports on it. */
const MAX_BUNDLE_BYTES = 1_048_576;
const MAX_TEXT = 1_024;

const VerdictSchema = v.picklist(['agrees', 'deviates', 'unknown']);
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));

const CheckSchema = v.object({
  auditor: v.custom<PeerId>(isPeerId),
  verdict: VerdictSchema,
  /** How much likelier this is for a cheat than for an honest volunteer, as a power of ten. */
  log10E: v.number(),
  /** What the verdict rests on, in words. */
  why: text,
  /** How many tokens were compared; null: none. */
  tokens: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** The engine that wrote, and the one that checked. */
  engines: v.object({ provider: text, auditor: text }),
});

export const AnswerCheckSchema = v.object({
  verdict: VerdictSchema,
  /** Whose part of the answer it is. */
  provider: v.custom<PeerId>(isPeerId),
  checks: v.pipe(v.array(CheckSchema), v.maxLength(MOST_CHECKS)),
  /** The evidence with the reports, as `llmesh audit check` reads it; null: it is too large to be kept. */
  bundle: v.nullable(v.pipe(v.instance(Uint8Array), v.maxLength(MAX_BUNDLE_BYTES))),
});

export type Check = v.InferOutput<typeof CheckSchema>;
export type Checked = v.InferOutput<typeof AnswerCheckSchema>;
/** asked: auditors are at it. Nothing of that is kept: with the page goes what they would be sent. */
export type AnswerCheck = Checked | { verdict: 'asked' };
