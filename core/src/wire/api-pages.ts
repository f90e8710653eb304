/** The control plane's read-only pages: /api/peers, /api/models, /api/stats, /api/audits, /api/lengths. */
import * as v from 'valibot';
import { ModelAdvertSchema, OfferSchema } from './model-advert.ts';
import { base32UpTo, count, listOf, MAX_GENESIS_BYTES, peerId, positive } from './fields.ts';
import type { PeerId } from '../base/ids.ts';

/** Pages never have more items than this. */
const MAX_ITEMS = 16_384;

/** What `/api/network` says: the signed genesis of the network that is served there; null: it has none. */
export const NetworkPageSchema = v.object({ genesis: v.nullable(base32UpTo(MAX_GENESIS_BYTES)) });
export type NetworkPage = v.InferOutput<typeof NetworkPageSchema>;

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
/** `next`: there are more, at `/api/peers?after=` and this value; left out: this is the last page. */
export const PeersPageSchema = v.object({
  peers: listOf(PeerSummarySchema, MAX_ITEMS),
  next: v.optional(v.pipe(v.string(), v.regex(/^\w{1,64}$/))),
});
/** Enough for thousands of peers; beyond that, we skip those that only ask. */
const MAX_PAGES = 16;

/** All pages of `/api/peers`, up to a limit. Rejects as `getJson` does, or when a page is invalid. */
export async function readPeers(getJson: (path: string) => Promise<unknown>): Promise<PeerSummary[]> {
  const peers = new Map<PeerId, PeerSummary>();
  let path = '/api/peers';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = v.parse(PeersPageSchema, await getJson(path));
    // Peers that came or went meanwhile may be on two of them.
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
  /** Tasks that wait at providers. */
  queued: count,
  /** Requests in the queues of their models, waiting for a provider with a free slot. */
  waiting: count,
  /** Tokens per second that all providers together wrote over the last minute. */
  tokensPerSecond: positive,
  matches: count,
  /** Answers since the start that can be checked, and those that were; left out: older servers check none. */
  checkable: v.optional(count),
  checked: v.optional(count),
});
export type Stats = v.InferOutput<typeof StatsSchema>;

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
/** Answers of one kind of engine, checked by another, with one file. */
export const AuditedPairSchema = v.object({
  /** Names as in `proof/engine-name.ts`. */
  provider: v.string(),
  auditor: v.string(),
  mode: v.picklist(['greedy', 'seed', 'likelihood']),
  /** The SHA-256 of the file. */
  file: v.string(),
  /** Reports, and their verdicts. */
  answers: count,
  agrees: count,
  deviates: count,
  unknown: count,
  tokens: count,
  /** How far these answers' tokens deviate on average, 0 to 1. */
  meanDeviation: share,
  /** It is known how much these engines differ when both are honest; otherwise nothing follows from the reports. */
  calibrated: v.boolean(),
  /** How many honest answers in one are taken for wrong, at most, with 95 % confidence; null: it is not calibrated. */
  falsePositivesPerAudit: v.nullable(share),
  /** Answers by their mean deviation: none, then up to 2^-14, 2^-13 … 1. */
  histogram: listOf(count, 64),
});
export type AuditedPair = v.InferOutput<typeof AuditedPairSchema>;
/** How answers are checked here, and what was found. Counts are of this run of the server; those of pairs outlive it. */
export const AuditsSchema = v.object({
  /** The usual share of answers that is checked. */
  share,
  /** Answers that can be checked, those drawn for it, and those that were. */
  answers: count,
  drawn: count,
  checked: count,
  agrees: count,
  deviates: count,
  /** Nobody could say, or the auditors contradict each other. */
  unknown: count,
  /** Providers whose answers were found wrong, at each level. */
  suspected: count,
  quarantined: count,
  convicted: count,
  pairs: listOf(AuditedPairSchema, 1_024),
});
export type Audits = v.InferOutput<typeof AuditsSchema>;
/** How long questions and answers are: powers of two, and only lengths that many had. */
export const LengthsSchema = v.object({
  lengths: listOf(v.object({ input: count, output: count, answers: count }), MAX_ITEMS),
});
