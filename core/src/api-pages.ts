/** What the control plane's read-only pages say: /api/peers, /api/models, /api/stats. */
import * as v from 'valibot';
import { ModelAdvertSchema, OfferSchema } from './model-advert.ts';
import { count, listOf, peerId, positive } from './fields.ts';

/** Longer pages are none of ours. */
const MAX_ITEMS = 16_384;

/** A peer as `/api/peers` shows it. */
export const PeerSummarySchema = v.object({
  peerId,
  agent: v.picklist(['browser', 'native']),
  models: listOf(ModelAdvertSchema, MAX_ITEMS),
  slots: count,
  busySlots: count,
  queued: count,
  sinceSeconds: count,
});
export type PeerSummary = v.InferOutput<typeof PeerSummarySchema>;
export const PeersPageSchema = v.object({ peers: listOf(PeerSummarySchema, MAX_ITEMS) });
export const ModelsPageSchema = v.object({ models: listOf(OfferSchema, MAX_ITEMS) });
export const StatsSchema = v.object({
  uptimeSeconds: count,
  peers: count,
  providers: count,
  slots: count,
  busySlots: count,
  /** At providers. */
  queued: count,
  /** In the lines of their models, until a provider has a free slot. */
  waiting: count,
  /** Tokens a second that all providers together wrote over the last minute. */
  tokensPerSecond: positive,
  matches: count,
});
export type Stats = v.InferOutput<typeof StatsSchema>;
