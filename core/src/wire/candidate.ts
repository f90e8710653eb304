/** A provider that a question could go to, as the control plane tells of it. */
import * as v from 'valibot';
import { peerId, count, base32 } from './fields.ts';
import { ModelAdvertSchema, slots } from './model-advert.ts';

/** The certificate of a provider's static key, see `credentials.ts`. */
export const CERTIFICATE_BYTES = 128;

/** One provider in a shortlist, with what `route.ts` ranks by. */
export const CandidateSchema = v.object({
  peerId,
  agent: v.picklist(['browser', 'native']),
  model: ModelAdvertSchema,
  slots,
  busySlots: count,
  queued: count,
  /** The share of its answers that it brought to their end, as the control plane saw it; 0 to 1. */
  reliability: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  /** As in its advert. */
  certificate: v.nullable(base32(CERTIFICATE_BYTES)),
});

export type Candidate = v.InferOutput<typeof CandidateSchema>;

/**
 * A provider, and the leave to have it run this one task: the bytes of `lease.ts`. Null where the control plane could not
 * be asked.
 */
export type Leased = Candidate & { lease: string | null };
