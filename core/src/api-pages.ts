/** What the control plane's read-only pages say: /api/peers, /api/models, /api/stats. */
import * as v from 'valibot';
import { ModelAdvertSchema, OfferSchema } from './model-advert.ts';
import { count, peerId, positive } from './fields.ts';

/** A peer as `/api/peers` shows it. */
export const PeerSummarySchema = v.object({
  peerId,
  agent: v.picklist(['browser', 'native']),
  models: v.array(ModelAdvertSchema),
  slots: count,
  busySlots: count,
  queued: count,
  sinceSeconds: count,
});
export type PeerSummary = v.InferOutput<typeof PeerSummarySchema>;
export const PeersPageSchema = v.object({ peers: v.array(PeerSummarySchema) });
export const ModelsPageSchema = v.object({ models: v.array(OfferSchema) });
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
