/**
 * Peers that one could turn to, as the control plane describes them: a provider that a question could go to, and a holder of
 * some of a model.
 */
import * as v from 'valibot';
import { peerId, contentId, count, base32, listOf, sha256 } from './fields.ts';
import { ModelAdvertSchema, slots } from './model-advert.ts';

/** The certificate of a provider's static key, see `credentials.ts`. */
export const CERTIFICATE_BYTES = 128;

/** One to begin, one in reserve, and two for when these fail; a requester that needs more asks again. */
export const MAX_CANDIDATES = 4;

/** One provider in a shortlist, with the data that `route.ts` ranks by. */
export const CandidateSchema = v.object({
  peerId,
  agent: v.picklist(['browser', 'native']),
  model: ModelAdvertSchema,
  slots,
  busySlots: count,
  queued: count,
  /** The share of its answers that it finished, as the control plane saw it; 0 to 1. */
  reliability: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  /** The same as in its advert. */
  certificate: v.nullable(base32(CERTIFICATE_BYTES)),
});

export type Candidate = v.InferOutput<typeof CandidateSchema>;

/**
 * A provider with the lease to run this one task there: the bytes of `lease.ts`. Null when the control plane could not
 * be asked.
 */
export type Leased = Candidate & { lease: string | null };

/** Models that one peer is asked to keep. */
export const MAX_KEPT = 16;
/** Models that one peer says it has; what it uses least is left out. */
export const MAX_HELD = 64;
/** Holders in one answer: a swarm needs no more at once, and asks again. */
export const MAX_HOLDERS = 16;

/**
 * All models that this peer has, whole or begun, and gives to others from now on. Replaces the previous list. Not answered.
 * Nobody checks it here: whoever fetches from it checks every piece.
 */
export const HoldSchema = v.object({
  type: v.literal('hold'),
  held: v.pipe(
    v.array(
      v.object({
        content: contentId,
        /** Of its only file; null: it has several. */
        sha256: v.nullable(sha256),
        whole: v.boolean(),
      }),
    ),
    v.maxLength(MAX_HELD),
  ),
  /** As in the advert; null: anonymous peers cannot call us. */
  certificate: v.nullable(base32(CERTIFICATE_BYTES)),
  /** We understand `keep` and `prove`. Left out: we keep nothing for others. */
  keeps: v.optional(
    v.object({
      /** For all that we are asked to keep, what is kept already included. */
      roomBytes: count,
      /** Of what we were asked to keep, what we will not. */
      refused: v.pipe(v.array(contentId), v.maxLength(MAX_KEPT)),
    }),
  ),
});
export type Keeps = NonNullable<v.InferOutput<typeof HoldSchema>['keeps']>;
export type Held = v.InferOutput<typeof HoldSchema>['held'][number];

/**
 * Who has some of this model, known by its content id, or by the SHA-256 of its only file where nobody has said which content
 * id is right? Answered with `held`.
 */
export const HoldersSchema = v.object({
  type: v.literal('holders'),
  requestId: count,
  content: v.nullable(contentId),
  sha256: v.nullable(sha256),
});

/** The answer to `holders`: a random choice, those that have all of it first. */
export const HeldSchema = v.object({
  type: v.literal('held'),
  requestId: count,
  holders: listOf(
    v.object({
      peerId,
      content: contentId,
      whole: v.boolean(),
      certificate: v.nullable(base32(CERTIFICATE_BYTES)),
    }),
    MAX_HOLDERS,
  ),
});
export type HeldBy = v.InferOutput<typeof HeldSchema>['holders'][number];

/**
 * The mesh needs more copies of these: please keep them, and give them to others, until a later message leaves them out. A wish: the
 * owner decides. Replaces the previous list; only sent to peers whose `hold` has `keeps`. Answered by nothing but the next `hold`.
 */
export const KeepSchema = v.object({
  type: v.literal('keep'),
  contents: listOf(
    v.object({
      content: contentId,
      /** As far as the control plane knows; null: look at the manifest before anything is stored. */
      sizeBytes: v.nullable(count),
    }),
    MAX_KEPT,
  ),
});
export type Kept = v.InferOutput<typeof KeepSchema>['contents'][number];
