/** What a peer itself decides about its credits and its vote, in one signed record. Everyone can read it in the log. */
import * as v from 'valibot';
import { isPeerId, type PeerId } from '../base/ids.ts';
import { isLabel } from '../base/label.ts';
import { verify, type Identity } from '../identity/identity.ts';
import { openRecord, signRecord } from '../identity/signed-record.ts';
import { MAX_ORDER_BYTES } from '../wire/credit-messages.ts';
import { canonical, readCanonical } from '../wire/canonical.ts';
import { SUPPLY, type Micro } from './credit.ts';

export const MAX_ALIAS_CHARS = 32;
/** An order counts only within this time of the clock of the control plane: so long, it is remembered and never counts twice. */
export const ORDER_WITHIN_MS = 600_000;
const VERSION = 1;
const NAME = /^[a-z][a-z0-9-]{0,47}$/;

export type OrderBody =
  /** To another peer. Transferred credits give no vote. */
  | { readonly kind: 'transfer'; readonly to: PeerId; readonly amount: Micro }
  | { readonly kind: 'stake'; readonly amount: Micro }
  /** It is free again 14 days later. */
  | { readonly kind: 'unstake'; readonly amount: Micro }
  /** The name on the leaderboard; null: no longer there. */
  | { readonly kind: 'alias'; readonly alias: string | null }
  /** One of the parameters of `governance/parameters.ts` should have this value. */
  | { readonly kind: 'propose'; readonly parameter: string; readonly value: number }
  /** `proposal`: the index of its event. A later ballot replaces an earlier one. */
  | { readonly kind: 'vote'; readonly proposal: number; readonly choice: 'yes' | 'no' | 'abstain' }
  /** Others shall check again the answer that this peer was convicted for. */
  | { readonly kind: 'appeal' }
  /** More answers of this peer shall be checked, and soon. */
  | { readonly kind: 'retest' }
  /** What this requester, who brings this order itself, asks this peer is a known answer for auditors: nothing else counts it. */
  | { readonly kind: 'known-answers'; readonly requester: PeerId };

export type Order = OrderBody & {
  /** Who signed it. */
  readonly by: PeerId;
  /** The control plane that it is for. */
  readonly issuer: PeerId;
  /** Milliseconds since 1970; two orders of one peer never have the same. */
  readonly ms: number;
};

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const peer = v.custom<PeerId>(isPeerId);
const amount = v.pipe(whole, v.minValue(1), v.maxValue(SUPPLY));
const alias = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_ALIAS_CHARS), v.check(isLabel));
const head = [v.literal(VERSION), peer, whole] as const;
const OrderSchema = v.union([
  v.strictTuple([...head, v.literal('transfer'), peer, amount]),
  v.strictTuple([...head, v.literal('stake'), amount]),
  v.strictTuple([...head, v.literal('unstake'), amount]),
  v.strictTuple([...head, v.literal('alias'), v.nullable(alias)]),
  v.strictTuple([...head, v.literal('propose'), v.pipe(v.string(), v.regex(NAME)), whole]),
  v.strictTuple([...head, v.literal('vote'), whole, v.picklist(['yes', 'no', 'abstain'])]),
  v.strictTuple([...head, v.literal('appeal')]),
  v.strictTuple([...head, v.literal('retest')]),
  v.strictTuple([...head, v.literal('known-answers'), peer]),
]);

/** `by` is whoever signs. */
export function signOrder(
  body: OrderBody,
  { issuer, ms }: Pick<Order, 'issuer' | 'ms'>,
  by: Identity,
): Promise<Uint8Array<ArrayBuffer>> {
  return signRecord('order', canonical([VERSION, issuer, ms, body.kind, ...fieldsOf(body)]), by);
}

/** The order; null: it is none, or not signed by anyone. Whether it is for this mesh, and now, its reader must look. */
export function readOrder(bytes: Uint8Array, check = verify): Order | null {
  const record = openRecord('order', bytes, MAX_ORDER_BYTES, check);
  const fields = record === null ? null : readCanonical(OrderSchema, record.body);
  if (record === null || fields === null) return null;
  const [, issuer, ms, ...what] = fields;
  return { ...bodyOf(what), by: record.signer, issuer, ms };
}

type Rest<T> = T extends readonly [unknown, unknown, unknown, ...infer R] ? R : never;

function bodyOf(what: Rest<v.InferOutput<typeof OrderSchema>>): OrderBody {
  if (what[0] === 'transfer') return { kind: what[0], to: what[1], amount: what[2] };
  if (what[0] === 'alias') return { kind: what[0], alias: what[1] };
  if (what[0] === 'propose') return { kind: what[0], parameter: what[1], value: what[2] };
  if (what[0] === 'vote') return { kind: what[0], proposal: what[1], choice: what[2] };
  if (what[0] === 'known-answers') return { kind: what[0], requester: what[1] };
  if (what[0] === 'appeal' || what[0] === 'retest') return { kind: what[0] };
  return { kind: what[0], amount: what[1] };
}

function fieldsOf(body: OrderBody): readonly unknown[] {
  if (body.kind === 'transfer') return [body.to, body.amount];
  if (body.kind === 'alias') return [body.alias];
  if (body.kind === 'propose') return [body.parameter, body.value];
  if (body.kind === 'vote') return [body.proposal, body.choice];
  if (body.kind === 'known-answers') return [body.requester];
  return body.kind === 'appeal' || body.kind === 'retest' ? [] : [body.amount];
}
