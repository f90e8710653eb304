/**
 * The control plane's read-only pages about credits: /api/credits, /api/account, /api/postings, /api/receipt, /api/price,
 * /api/leaderboard, /api/proposals. Amounts are micro-credits, times milliseconds since 1970. A reader that must be sure
 * recounts the log instead.
 */
import * as v from 'valibot';
import { AccountSchema, CREDIT_MODES } from './credit-messages.ts';
import { base32, count, label, listOf, modelId, peerId, sentence, taskName, text } from './fields.ts';

export const MAX_POSTINGS = 100;
export const MAX_LEADERS = 100;
export const MAX_PROPOSALS = 100;
const MAX_PARAMETERS = 128;
const NONCE_BYTES = 16;
const whole = v.pipe(v.number(), v.safeInteger());

/** One of the few numbers that can be voted on: `governance/parameters.ts`. */
export const ParameterSchema = v.object({
  name: text(48),
  value: count,
  min: count,
  max: count,
  /** A proposal differs from the present value by at most this. */
  step: count,
  /** What the number counts: `micro-credits`, `thousandths`, `days` and the like. */
  unit: text(48),
  /** What it decides, as a sentence. */
  about: sentence(256),
});
export type ParameterView = v.InferOutput<typeof ParameterSchema>;

export const CreditsSchema = v.object({
  mode: v.picklist(CREDIT_MODES),
  /** The control plane's key. */
  issuer: peerId,
  /** What credits are called in a network with a genesis; left out: just that. */
  credit: v.optional(v.object({ name: label(32, 1), symbol: label(8, 1) })),
  priceVersion: count,
  /** Given out by emission so far, and the most that ever will be. */
  emitted: count,
  supply: count,
  treasury: count,
  auditors: count,
  burned: count,
  /** What a provider that is there all of an hour is paid for it at present, if it alone fills its share. */
  uptimePerHour: count,
  parameters: listOf(ParameterSchema, MAX_PARAMETERS),
  /** The log's name; events in it; events that its last final checkpoint covers; how long the newest waits, in ms. */
  log: v.object({ origin: text(256), size: count, final: count, lagMs: count }),
});
export type Credits = v.InferOutput<typeof CreditsSchema>;

/** One change of one account, with what it was for. */
export const PostingViewSchema = v.object({
  /** The event's index in the log. */
  index: count,
  ms: count,
  /** `free`, `held`, `allowance`, `stake` or `unbonding`. */
  account: text(16),
  amount: whole,
  /** See `ledger/posting.ts`. */
  reason: text(32),
  /** The other peer; null: there is none. */
  other: v.nullable(peerId),
  /** The nonce of the lease, in base32: `/api/receipt?lease=`. Null: this is about no delivery. */
  lease: v.nullable(base32(NONCE_BYTES)),
  model: v.nullable(modelId),
  units: v.nullable(count),
  /** Why, in the operator's or the auditors' words; empty: nothing was said. */
  why: sentence(256),
  /** It is in a final checkpoint. */
  final: v.boolean(),
});
export type PostingView = v.InferOutput<typeof PostingViewSchema>;

/** `next`: there are older ones, at `before=` this index. */
export const PostingsPageSchema = v.object({
  postings: listOf(PostingViewSchema, MAX_POSTINGS),
  next: v.optional(count),
});

export const AccountPageSchema = v.object({
  account: AccountSchema,
  alias: v.nullable(label(32)),
  /** Earned since midnight, UTC: for tasks, for being there, for checking others. */
  today: v.object({ tasks: count, uptime: count, audits: count }),
  /** Earned in all. */
  earned: count,
  /** Of `unbonding`: how much is free again when. */
  releases: listOf(v.object({ amount: count, atMs: count }), 64),
  /** The weight of this key in a vote that begins now; 0: it has none yet. */
  weight: count,
});
export type AccountPage = v.InferOutput<typeof AccountPageSchema>;

/** One delivery as the ledger has it: `/api/receipt?lease=`. */
export const ReceiptPageSchema = v.object({
  index: count,
  ms: count,
  requester: peerId,
  provider: peerId,
  task: taskName,
  model: modelId,
  units: count,
  price: count,
  priceVersion: count,
  /** What was paid, and where it went. The rest could not be paid, because nothing was held for it. */
  paid: count,
  toProvider: count,
  toAuditors: count,
  toTreasury: count,
  /** From emission, besides. */
  taskReward: count,
  kind: v.picklist(['receipt', 'acknowledgement']),
  final: v.boolean(),
});
export type ReceiptPage = v.InferOutput<typeof ReceiptPageSchema>;

/** `/api/price?model=&task=&units=&complexity=`. */
export const PriceSchema = v.object({
  /** Micro-credits for 1,000 units. */
  price: count,
  priceVersion: count,
  units: count,
  /** The most that so many units cost now. */
  cost: count,
  /** How the price comes about: base × demand × complexity, the last two in thousandths. */
  base: count,
  demand: count,
  complexity: count,
});
export type PriceQuote = v.InferOutput<typeof PriceSchema>;

export const LeaderSchema = v.object({ peer: peerId, alias: label(32, 1), earned: count, units: count });
export type Leader = v.InferOutput<typeof LeaderSchema>;
export const LeaderboardSchema = v.object({ leaders: listOf(LeaderSchema, MAX_LEADERS) });

export const PROPOSAL_STATES = ['open', 'passed', 'rejected', 'in-force'] as const;
export const ProposalSchema = v.object({
  /** The index of its event. */
  index: count,
  by: peerId,
  parameter: text(48),
  from: count,
  to: count,
  openedMs: count,
  closesMs: count,
  /** When it is in force, if it passes. */
  inForceMs: count,
  state: v.picklist(PROPOSAL_STATES),
  /** Weights. */
  yes: count,
  no: count,
  abstain: count,
  /** The weight that has to vote. */
  quorum: count,
  ballots: count,
});
export type ProposalView = v.InferOutput<typeof ProposalSchema>;
export const ProposalsSchema = v.object({ proposals: listOf(ProposalSchema, MAX_PROPOSALS) });
