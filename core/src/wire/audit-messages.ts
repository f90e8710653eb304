/** What peers and the control plane say to each other about checks, of answers and of what is kept; a part of `control-protocol.ts`. */
import * as v from 'valibot';
import { CERTIFICATE_BYTES, MAX_CANDIDATES, CandidateSchema } from './candidate.ts';
import { MAX_RECORD_BYTES, base32, base32UpTo, contentId, count, listOf, modelId, peerId, text } from './fields.ts';

/** The longest report of an auditor: a byte for each token of the longest answer that is checked, and what is around it. */
export const MAX_REPORT_BYTES = 8_192;
/** The longest proof of a draw. */
export const MAX_DRAW_BYTES = 512;
/** The bytes of a lease's nonce, as in `receipts/lease.ts`. */
const LEASE_NONCE_BYTES = 16;

/** What an auditor found: the signed bytes of `proof/audit-report.ts`. Answered with `filed`. */
export const ReportSchema = v.object({
  type: v.literal('report'),
  requestId: count,
  report: base32UpTo(MAX_REPORT_BYTES),
});

/**
 * Please have this answer of ours checked by these auditors, each with its lease for a task of the kind `audit`: who
 * agreed to checks sends them what was asked and answered. `draw`: the signed bytes of `proof/draw.ts`, which prove that
 * nobody chose. Not answered.
 */
export const AuditSchema = v.object({
  type: v.literal('audit'),
  /** The nonce of the lease that the answer was given under. */
  leaseId: base32(LEASE_NONCE_BYTES),
  draw: base32UpTo(MAX_DRAW_BYTES),
  lease: base32UpTo(MAX_RECORD_BYTES),
  auditors: listOf(CandidateSchema, MAX_CANDIDATES),
});
export type AuditCall = v.InferOutput<typeof AuditSchema>;

/**
 * Please ask this provider a question with this model, as somebody whom it does not know: its owner wants it to be tested again. For
 * workers that check answers. Not answered.
 */
export const QuestionSchema = v.object({ type: v.literal('question'), provider: peerId, model: modelId });
export type QuestionCall = v.InferOutput<typeof QuestionSchema>;

/** How a provider stands with one of its models: `proof/standing.ts`. */
export const LEVELS = ['good', 'suspected', 'quarantined', 'convicted'] as const;
export type Level = (typeof LEVELS)[number];

/** How our answers with this model stand: whenever that changes, and after the advert. */
export const StandingSchema = v.object({
  type: v.literal('standing'),
  model: modelId,
  level: v.picklist(LEVELS),
  /** Answers that were checked, and how many of them agreed. */
  checked: count,
  agreed: count,
  /** For the owner; empty where all is well. */
  reason: v.pipe(text(1_024)),
});
export type Standing = v.InferOutput<typeof StandingSchema>;

/** The longest report of whoever asked a keeper for what it keeps: `proof/keeping/storage-report.ts`. */
export const MAX_STORAGE_REPORT_BYTES = MAX_RECORD_BYTES;

/**
 * Please ask this keeper for some leaves of what it keeps, and report what came. `draw`: the signed bytes of `proof/draw.ts`; which
 * leaves they are follows from it, so nobody chooses. Only sent to peers whose `hold` has `keeps`. Not answered, but by a `kept`.
 */
export const ProveSchema = v.object({
  type: v.literal('prove'),
  draw: base32UpTo(MAX_DRAW_BYTES),
  keeper: peerId,
  /** As in its `hold`; null: anonymous peers cannot call it. */
  certificate: v.nullable(base32(CERTIFICATE_BYTES)),
  content: contentId,
  /** The hour that it is for, in epochs of `ledger/emission.ts`. */
  epoch: count,
});
export type ProveCall = v.InferOutput<typeof ProveSchema>;

/** What came: the signed bytes of `proof/keeping/storage-report.ts`. Answered with `filed`. */
export const KeptSchema = v.object({
  type: v.literal('kept'),
  requestId: count,
  report: base32UpTo(MAX_STORAGE_REPORT_BYTES),
});
