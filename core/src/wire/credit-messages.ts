/** What peers and the control plane say to each other about credits and the log; a part of `control-protocol.ts`. */
import * as v from 'valibot';
import { base32UpTo, count, listOf, text } from './fields.ts';

/** How a mesh uses credits. `priority`: who has some goes first; `required`: who has none is refused. */
export const CREDIT_MODES = ['off', 'priority', 'required'] as const;
export type CreditMode = (typeof CREDIT_MODES)[number];

/** The longest signed order: `ledger/order.ts`. */
export const MAX_ORDER_BYTES = 512;
/** The longest checkpoint with its signatures. */
export const MAX_CHECKPOINT_CHARS = 8_192;
/** The most hashes of a consistency proof: twice the depth of any tree. */
export const MAX_PROOF_HASHES = 128;
const MAX_HASH_CHARS = 44;

/** Please carry this out: the signed bytes of `ledger/order.ts`. Answered with `filed`, once it is in the ledger. */
export const OrderSchema = v.object({
  type: v.literal('order'),
  requestId: count,
  order: base32UpTo(MAX_ORDER_BYTES),
});

/** This peer would like to witness the log, from the checkpoint of this size on. Answered with `checkpoint`, again and again. */
export const WitnessSchema = v.object({ type: v.literal('witness'), size: count });

/** Our signature under the checkpoint of this size: one line of a signed note. Not answered. */
export const CosignSchema = v.object({ type: v.literal('cosign'), size: count, line: text(512) });

/** Our credits: after the welcome where the mesh has any, and whenever they changed, at most once a second. Micro-credits. */
export const AccountSchema = v.object({
  type: v.literal('account'),
  mode: v.picklist(CREDIT_MODES),
  /** May be spent now. */
  free: count,
  /** A newcomer's, which buys places in line. */
  allowance: count,
  held: count,
  /** A part of `free` that is in the ledger, and not yet in a final checkpoint. */
  pending: count,
  stake: count,
  unbonding: count,
});
export type AccountNews = v.InferOutput<typeof AccountSchema>;

/**
 * The log as it is: a signed checkpoint. To witnesses with the proof that it continues the one of size `from`; to
 * everybody else now and then, with `from` 0 and none.
 */
export const CheckpointSchema = v.object({
  type: v.literal('checkpoint'),
  note: text(MAX_CHECKPOINT_CHARS),
  from: count,
  /** Base64, as in a witness's request. */
  proof: listOf(text(MAX_HASH_CHARS), MAX_PROOF_HASHES),
  /** Enough witnesses have signed. */
  final: v.boolean(),
});
export type CheckpointNews = v.InferOutput<typeof CheckpointSchema>;
