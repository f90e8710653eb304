/** What the control plane's read-only pages say: /api/peers, /api/models, /api/stats. */
import * as v from 'valibot';
import { ModelAdvertSchema, OfferSchema } from './model-advert.ts';
import { count, listOf, peerId, positive } from './fields.ts';
import type { PeerId } from '../base/ids.ts';

/** Longer pages are none of ours. */
const MAX_ITEMS = 16_384;

/** A peer as `/api/peers` shows it; the adapters of its models are left out. */
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
/** `next`: there are more, at `/api/peers?after=` and this; left out: these are the last. */
export const PeersPageSchema = v.object({
  peers: listOf(PeerSummarySchema, MAX_ITEMS),
  next: v.optional(v.pipe(v.string(), v.regex(/^\w{1,64}$/))),
});
/** Thousands of peers: of more, those who only ask are not looked at. */
const MAX_PAGES = 16;

/** All pages of `/api/peers`, as far as anybody can look through. Rejects as `getJson` does, or when it is no such page. */
export async function readPeers(getJson: (path: string) => Promise<unknown>): Promise<PeerSummary[]> {
  const peers = new Map<PeerId, PeerSummary>();
  let path = '/api/peers';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = v.parse(PeersPageSchema, await getJson(path));
    // Who came or went meanwhile may be on two of them.
    for (const peer of page.peers) peers.set(peer.peerId, peer);
    if (page.next === undefined) break;
    path = `/api/peers?after=${page.next}`;
  }
  return [...peers.values()];
}
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
