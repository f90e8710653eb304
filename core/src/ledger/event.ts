/**
 * Everything that ever moves credits, or decides how: one leaf of the log each, in their order. An event carries its own
 * evidence, the very bytes that peers signed, so a stranger can check each without asking anybody. What it does to the
 * accounts is computed by `projection.ts`, and never written down by anyone.
 */
import * as v from 'valibot';
import { isModelId, isPeerId, type ModelId, type PeerId } from '../base/ids.ts';
import { LEASE_NONCE_BYTES } from '../receipts/lease.ts';
import { MAX_REPORT_BYTES, MAX_STORAGE_REPORT_BYTES } from '../wire/audit-messages.ts';
import { MAX_ORDER_BYTES } from '../wire/credit-messages.ts';
import { canonical, readCanonical } from '../wire/canonical.ts';
import { MAX_GENESIS_BYTES, MAX_RECORD_BYTES, sha256 as fileDigest } from '../wire/fields.ts';
import { SUPPLY, type Micro } from './credit.ts';

/** The longest event: a conviction with the reports of two auditors, or an appeal with those of five. */
export const MAX_EVENT_BYTES = 24_576;
/** Peers that one `uptime` event pays. */
export const MAX_UPTIME_SHARES = 256;
/** Copies of models that one `storage` event pays for, each with its report. */
export const MAX_STORAGE_SHARES = 32;
/** Auditors whose reports one event carries. */
export const MAX_REPORTS = 5;
/** Deliveries that one `reverse` event takes back. */
export const MAX_REVERSED = 64;
const MAX_REASON_CHARS = 256;
const VERSION = 1;

/** What a hold is known by: the seed of the leases that it pays for. */
export type HoldId = Uint8Array;

/** Credits are put aside for answers under these leases: the most that they can cost together. */
export interface Reserve {
  readonly kind: 'reserve';
  readonly hold: HoldId;
  readonly payer: PeerId;
  readonly amount: Micro;
  /** Seconds since 1970: what is left then goes back by `refund`. */
  readonly untilS: number;
}

/** A delivery, by what its requester signed; a fuller proof of the same lease pays the difference. */
export interface Earn {
  readonly kind: 'earn';
  /** The signed leases. */
  readonly lease: Uint8Array;
  /** Both halves of a receipt; or an acknowledgement alone. */
  readonly proof:
    | { readonly kind: 'receipt'; readonly provider: Uint8Array; readonly requester: Uint8Array }
    | { readonly kind: 'acknowledgement'; readonly acknowledgement: Uint8Array };
}

/** The time of a hold is over. */
export interface Refund {
  readonly kind: 'refund';
  readonly hold: HoldId;
  readonly payer: PeerId;
}

/** What emission pays those who were there to serve, for one epoch. */
export interface Uptime {
  readonly kind: 'uptime';
  /** Epochs since 1970, of `EPOCH_MS` each. */
  readonly epoch: number;
  /** Each peer at most once, with how many thousandths of the epoch count for it. */
  readonly shares: readonly (readonly [PeerId, number])[];
}

/** What emission pays those who kept models for others, for one epoch. */
export interface Storage {
  readonly kind: 'storage';
  readonly epoch: number;
  /** Who kept something, how many thousandths of the most that counts for, and the signed report of who checked it: `proof/keeping/storage-report.ts`. */
  readonly shares: readonly (readonly [PeerId, number, Uint8Array])[];
}

/** An auditor is paid for a report, whatever it says. */
export interface AuditFee {
  readonly kind: 'audit-fee';
  /** The signed report, see `proof/audit-report.ts`. */
  readonly report: Uint8Array;
}

/** A newcomer's allowance. */
export interface Allowance {
  readonly kind: 'allowance';
  readonly to: PeerId;
}

/** The operator gives from the treasury, for a reason that everyone can read. */
export interface Grant {
  readonly kind: 'grant';
  readonly to: PeerId;
  readonly amount: Micro;
  readonly reason: string;
}

/** What a peer signed: see `order.ts`. */
export interface Ordered {
  readonly kind: 'order';
  readonly record: Uint8Array;
}

/** Unbonding is over for what this peer unstaked by then. */
export interface Release {
  readonly kind: 'release';
  readonly peer: PeerId;
}

/** A conviction costs a part of the stake. */
export interface Slash {
  readonly kind: 'slash';
  readonly provider: PeerId;
  readonly model: ModelId;
  /** The SHA-256 of the model's file. */
  readonly file: string;
  /** The auditors' signed reports of the answer that decided. */
  readonly reports: readonly Uint8Array[];
  readonly reason: string;
}

/** What was paid for these deliveries is taken back from the provider, as far as it is there, and given back; or paid again after an appeal. */
export interface Reverse {
  readonly kind: 'reverse';
  readonly provider: PeerId;
  /** The nonces of their leases. */
  readonly leases: readonly Uint8Array[];
  /** True: an appeal was won, and an earlier slash with this file is undone. */
  readonly undo: boolean;
  readonly file: string;
  readonly reason: string;
}

/** An appeal is decided, and whoever lost it pays the auditors: the provider of its stake, or the treasury. */
export interface Appeal {
  readonly kind: 'appeal';
  readonly provider: PeerId;
  readonly file: string;
  /** True: the conviction stands. */
  readonly upheld: boolean;
  /** The provider's own order: nobody pays for an appeal that it has not made. */
  readonly order: Uint8Array;
  /** The signed reports of auditors who had not seen the answer before. */
  readonly reports: readonly Uint8Array[];
}

/** A vote that has passed is carried out: `governance/`. */
export interface Enact {
  readonly kind: 'enact';
  /** The index of the proposal's event. */
  readonly proposal: number;
}

/** Always the first event, of a network that has a genesis: its parameters and the parts of its emission. */
export interface Founding {
  readonly kind: 'genesis';
  /** As its founder signed it: see `networks/genesis.ts`. */
  readonly record: Uint8Array;
}

export type EventBody =
  | Reserve
  | Earn
  | Refund
  | Uptime
  | Storage
  | AuditFee
  | Allowance
  | Grant
  | Ordered
  | Release
  | Slash
  | Reverse
  | Appeal
  | Enact
  | Founding;
export type EventKind = EventBody['kind'];
/** `ms`: milliseconds since 1970, by the clock of the control plane; never less than in the event before. */
export type LedgerEvent = EventBody & { readonly ms: number };

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const peer = v.custom<PeerId>(isPeerId);
const bytesOf = (length: number) => v.pipe(v.instance(Uint8Array), v.length(length));
const upTo = (most: number) => v.pipe(v.instance(Uint8Array), v.minLength(1), v.maxLength(most));
const amount = v.pipe(whole, v.minValue(1), v.maxValue(SUPPLY));
const reason = v.pipe(v.string(), v.maxLength(MAX_REASON_CHARS));
const id = bytesOf(LEASE_NONCE_BYTES);
const noted = upTo(MAX_RECORD_BYTES);
const reports = v.pipe(v.array(upTo(MAX_REPORT_BYTES)), v.minLength(1), v.maxLength(MAX_REPORTS));
const model = v.custom<ModelId>(isModelId);
const shares = v.pipe(
  v.array(v.strictTuple([peer, v.pipe(whole, v.minValue(1), v.maxValue(1_000))])),
  v.minLength(1),
  v.maxLength(MAX_UPTIME_SHARES),
);
const keeperShares = v.pipe(
  v.array(v.strictTuple([peer, v.pipe(whole, v.minValue(1), v.maxValue(1_000)), upTo(MAX_STORAGE_REPORT_BYTES)])),
  v.minLength(1),
  v.maxLength(MAX_STORAGE_SHARES),
);
const leases = v.pipe(v.array(id), v.minLength(1), v.maxLength(MAX_REVERSED));

type Outputs<S extends readonly v.GenericSchema[]> = { -readonly [I in keyof S]: v.InferOutput<S[I]> };

interface Format {
  readonly schema: v.GenericSchema<unknown, readonly unknown[]>;
  readonly fieldsOf: (body: EventBody) => readonly unknown[];
  readonly bodyOf: (fields: readonly unknown[]) => EventBody;
}

/** `fields`: those after the version, the time and the kind's name, in their order. */
function format<K extends EventKind, const S extends readonly v.GenericSchema[]>(
  kind: K,
  fields: S,
  fieldsOf: (body: Extract<EventBody, { kind: K }>) => readonly unknown[],
  bodyOf: (fields: Outputs<S>) => Omit<Extract<EventBody, { kind: K }>, 'kind'>,
): Format {
  return {
    schema: v.strictTuple([v.literal(VERSION), whole, v.literal(kind), ...fields]),
    fieldsOf: (body) => fieldsOf(body as Extract<EventBody, { kind: K }>),
    // Only what the schema has read comes here.
    bodyOf: (read) => ({ kind, ...bodyOf(read as Outputs<S>) }) as unknown as EventBody,
  };
}

const FORMATS: Record<EventKind, Format> = {
  reserve: format(
    'reserve',
    [id, peer, amount, whole],
    ({ hold, payer, amount: most, untilS }) => [hold, payer, most, untilS],
    ([hold, payer, most, untilS]) => ({ hold: own(hold), payer, amount: most, untilS }),
  ),
  earn: format(
    'earn',
    [noted, v.nullable(noted), noted],
    ({ lease, proof }) =>
      proof.kind === 'receipt' ? [lease, proof.provider, proof.requester] : [lease, null, proof.acknowledgement],
    ([lease, provider, other]) => ({
      lease: own(lease),
      proof:
        provider === null
          ? { kind: 'acknowledgement' as const, acknowledgement: own(other) }
          : { kind: 'receipt' as const, provider: own(provider), requester: own(other) },
    }),
  ),
  refund: format(
    'refund',
    [id, peer],
    ({ hold, payer }) => [hold, payer],
    ([hold, payer]) => ({ hold: own(hold), payer }),
  ),
  uptime: format(
    'uptime',
    [whole, shares],
    ({ epoch, shares: all }) => [epoch, all],
    ([epoch, all]) => ({ epoch, shares: all }),
  ),
  storage: format(
    'storage',
    [whole, keeperShares],
    ({ epoch, shares: all }) => [epoch, all],
    ([epoch, all]) => ({ epoch, shares: all.map(([keeper, share, report]) => [keeper, share, own(report)] as const) }),
  ),
  'audit-fee': format(
    'audit-fee',
    [upTo(MAX_REPORT_BYTES)],
    ({ report }) => [report],
    ([report]) => ({ report: own(report) }),
  ),
  allowance: format(
    'allowance',
    [peer],
    ({ to }) => [to],
    ([to]) => ({ to }),
  ),
  grant: format(
    'grant',
    [peer, amount, reason],
    ({ to, amount: given, reason: why }) => [to, given, why],
    ([to, given, why]) => ({ to, amount: given, reason: why }),
  ),
  order: format(
    'order',
    [upTo(MAX_ORDER_BYTES)],
    ({ record }) => [record],
    ([record]) => ({ record: own(record) }),
  ),
  release: format(
    'release',
    [peer],
    ({ peer: owner }) => [owner],
    ([owner]) => ({ peer: owner }),
  ),
  slash: format(
    'slash',
    [peer, model, fileDigest, reports, reason],
    ({ provider, model: named, file, reports: signed, reason: why }) => [provider, named, file, signed, why],
    ([provider, named, file, signed, why]) => ({
      ...{ provider, model: named, file, reason: why },
      reports: signed.map(own),
    }),
  ),
  reverse: format(
    'reverse',
    [peer, leases, v.boolean(), fileDigest, reason],
    ({ provider, leases: nonces, undo, file, reason: why }) => [provider, nonces, undo, file, why],
    ([provider, nonces, undo, file, why]) => ({ provider, leases: nonces.map(own), undo, file, reason: why }),
  ),
  appeal: format(
    'appeal',
    [peer, fileDigest, v.boolean(), upTo(MAX_ORDER_BYTES), reports],
    ({ provider, file, upheld, order, reports: signed }) => [provider, file, upheld, order, signed],
    ([provider, file, upheld, order, signed]) => ({
      ...{ provider, file, upheld },
      order: own(order),
      reports: signed.map(own),
    }),
  ),
  enact: format(
    'enact',
    [whole],
    ({ proposal }) => [proposal],
    ([proposal]) => ({ proposal }),
  ),
  genesis: format(
    'genesis',
    [upTo(MAX_GENESIS_BYTES)],
    ({ record }) => [record],
    ([record]) => ({ record: own(record) }),
  ),
};
const EventSchema = v.tupleWithRest(
  [v.literal(VERSION), whole, v.picklist(Object.keys(FORMATS) as EventKind[])],
  v.unknown(),
);

/** The bytes of the leaf. */
export function writeEvent(event: LedgerEvent): Uint8Array<ArrayBuffer> {
  return canonical([VERSION, event.ms, event.kind, ...FORMATS[event.kind].fieldsOf(event)]);
}

/** The event; null: these bytes are none, or not as `writeEvent` writes them. Checks no signature. */
export function readEvent(bytes: Uint8Array): LedgerEvent | null {
  if (bytes.byteLength > MAX_EVENT_BYTES) return null;
  const any = readCanonical(EventSchema, bytes);
  if (any === null) return null;
  const [, ms, kind] = any;
  const { schema, bodyOf } = FORMATS[kind];
  const read = v.safeParse(schema, any);
  return read.success ? { ...bodyOf(read.output.slice(3)), ms } : null;
}

/** A copy: the decoder's bytes are a window on all that was read. */
function own(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
