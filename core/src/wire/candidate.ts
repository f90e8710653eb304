/** A provider that a question could go to, as the control plane describes it. */
import * as v from 'valibot';
import { peerId, count, base32 } from './fields.ts';
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
