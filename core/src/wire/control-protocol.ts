/**
 * What a peer and the control plane say to each other on the WebSocket `/mesh`, declared once, in JSON text. The sender
 * is the peer that proved its key (`key-proof.ts`), never what a message says.
 */
import * as v from 'valibot';
import {
  MAX_MESSAGE_BYTES,
  MAX_RECORD_BYTES,
  base32,
  base32UpTo,
  count,
  errorCode,
  listOf,
  modelId,
  networkId,
  peerId,
  positive,
  sentence,
  sha256,
  taskName,
  text,
} from './fields.ts';
import { attestorName } from './attestation.ts';
import { isModelId } from '../base/ids.ts';
import { asSentence } from '../base/label.ts';
import {
  MAX_TOKENS_PER_SECOND,
  ModelAdvertSchema,
  OfferSchema,
  ABILITIES,
  type ModelAdvert,
  slots,
} from './model-advert.ts';
import {
  AuditSchema,
  KeptSchema,
  ProveSchema,
  QuestionSchema,
  ReportSchema,
  StandingSchema,
} from './audit-messages.ts';
import { AccountSchema, CheckpointSchema, CosignSchema, OrderSchema, WitnessSchema } from './credit-messages.ts';
import {
  CERTIFICATE_BYTES,
  CandidateSchema,
  HeldSchema,
  HoldSchema,
  HoldersSchema,
  KeepSchema,
  MAX_CANDIDATES,
} from './candidate.ts';

/** The most bytes that a peer sends in one message; an advert is the largest. */
export const MAX_TO_SERVER_BYTES = 16_384;
export const MAX_MODELS_PER_PEER = 16;
/** Providers that a `match` may name, to exclude or to insist on. */
export const MAX_NAMED_PEERS = 64;
/** The longest explanation of why a model was left out of an advert. */
const MAX_FAULT_CHARACTERS = 192;
/** Offers that a peer reads; the control plane sends fewer. */
const MAX_READ_OFFERS = 4_096;
/** While a match waits, its requester hears about it at least this often. */
export const QUEUED_EVERY_MS = 5_000;
/** `offers` are sent at least this often, changed or not: much longer silence means that the connection is lost. */
export const SIGN_OF_LIFE_MS = 30_000;
/** The end of the year 9999: no clock says more. */
const MAX_TIME_MS = 253_402_300_799_999;
/** In thousandths: a thousand times the cost of a plain task. */
export const MAX_COMPLEXITY = 1_000_000;
const time = v.pipe(count, v.maxValue(MAX_TIME_MS));
/** Providers that `offers` warns of. */
export const MAX_SHUNNED = 256;
/** Opens one relayed link, see `relay-transport.ts`. */
export const RELAY_TICKET_BYTES = 20;

// ---- Peer → server -------------------------------------------------------------------------------------------------

/**
 * The first message on `/mesh`. `key`: the Ed25519 public key, 32 bytes as base32, that `peerId` is derived from. Null
 * came from programs that had none: to tell them to update, we have to understand them. `network`: the only one whose
 * member this peer wants to be; null: whichever is served here; left out by programs that know only meshes without a genesis.
 */
export const HelloSchema = v.object({
  type: v.literal('hello'),
  version: count,
  peerId,
  agent: v.picklist(['browser', 'native']),
  key: v.nullable(text(64)),
  network: v.optional(v.nullable(networkId)),
});

/** The answer to `challenge`, right once: see `key-proof.ts`. */
export const ProofSchema = v.object({
  type: v.literal('proof'),
  signature: base32(64),
  /** The number that `hashcash.ts` found; 0 where no work was asked for. */
  work: count,
});
export type Proof = v.InferOutput<typeof ProofSchema>;

/**
 * All that this peer offers from now on; an empty list: nothing. Replaces the previous advert. A model with an invalid
 * description is left out, and the others count; nobody sends `leftOut`: it says what was wrong with those.
 */
export const AdvertSchema = v.pipe(
  v.object({
    type: v.literal('advert'),
    models: v.pipe(v.array(v.unknown()), v.maxLength(MAX_MODELS_PER_PEER)),
    /** Simultaneous answers. */
    slots,
    /** Certifies our key for sealed links (`credentials.ts`) with anonymous requesters; null: they cannot call us. */
    certificate: v.nullable(base32(CERTIFICATE_BYTES)),
    leftOut: v.optional(v.pipe(v.array(sentence(MAX_FAULT_CHARACTERS)), v.maxLength(MAX_MODELS_PER_PEER))),
  }),
  v.transform(({ models, leftOut, ...rest }) => ({ ...rest, ...described(models, leftOut) })),
);

interface Described {
  models: ModelAdvert[];
  leftOut?: string[];
}

function described(all: readonly unknown[], before: readonly string[] = []): Described {
  const models: ModelAdvert[] = [];
  const leftOut = [...before];
  for (const [i, one] of all.entries()) {
    const read = v.safeParse(ModelAdvertSchema, one, { abortEarly: true });
    if (read.success) models.push(read.output);
    else {
      const id =
        typeof one === 'object' && one !== null && 'id' in one && isModelId(one.id) ? one.id : `number ${i + 1}`;
      const [{ path, message }] = read.issues;
      const fault = `${id} (${path?.map(({ key }) => String(key)).join('.') ?? 'it'}: ${message})`;
      leftOut.push(asSentence(fault.slice(0, MAX_FAULT_CHARACTERS)));
    }
  }
  return { models, ...(leftOut.length > 0 && { leftOut: leftOut.slice(-MAX_MODELS_PER_PEER) }) };
}

/** Still here, and how busy. Sent every `heartbeatMs` of the welcome, and at once when a slot is taken or freed. */
export const HeartbeatSchema = v.object({
  type: v.literal('heartbeat'),
  busySlots: v.pipe(count, v.maxValue(1024)),
  /** Tasks that wait at the provider. */
  queued: v.pipe(count, v.maxValue(65_536)),
  /** The speed of one answer, measured over the last ones; absent until something was measured. */
  unitsPerSecond: v.optional(
    v.pipe(
      positive,
      v.transform((all) => Math.min(all, MAX_TOKENS_PER_SECOND)),
    ),
  ),
  /** Units of work done since the last heartbeat. */
  units: count,
});

/**
 * Who can do a task of this kind with this model, in at most this many units? Answered with `matched`; while all
 * suitable providers are busy, with `queued` first, and again when the position in the queue changes. `exclude`: those
 * just tried.
 */
export const MatchSchema = v.object({
  type: v.literal('match'),
  requestId: count,
  /** The kind that it is offered for, see `TaskKind.offeredAs`. Left out: `chat`. */
  task: v.optional(taskName),
  model: modelId,
  maxUnits: v.pipe(count, v.minValue(1)),
  /** The cost of a unit relative to one of a plain task, in thousandths, see `policy/price.ts`. Left out: the same. */
  complexity: v.optional(v.pipe(count, v.minValue(1), v.maxValue(MAX_COMPLEXITY))),
  exclude: v.pipe(v.array(peerId), v.maxLength(MAX_NAMED_PEERS)),
  /** Only these providers; null: any. */
  only: v.nullable(v.pipe(v.array(peerId), v.maxLength(MAX_NAMED_PEERS))),
  /** The provider with this conversation in its memory: it comes first when it has a free slot. */
  prefer: v.nullable(peerId),
  /** Only providers that have all of these. Left out: any. */
  needs: v.optional(v.pipe(v.array(v.picklist(ABILITIES)), v.maxLength(ABILITIES.length))),
  /** Only providers that have this adapter for the model. Left out: the model as it is. */
  adapter: v.optional(sha256),
  /** Or providers that take it from whoever asks, who has it. Left out: only those that have it. */
  bringsAdapter: v.optional(v.boolean()),
  /**
   * Only providers with this very file under the model's id; null: only those that do not say which it is. Left out: of
   * several files under one id, the one that the control plane chose; of the providers in `only`, whichever they have.
   */
  sha256: v.optional(v.nullable(sha256)),
  /** The most that a person was told: micro-credits for 1,000 units. Left out: any price. */
  maxPrice: v.optional(count),
  /** Only providers that say that this vendor or system vouches for them; null: that any does. Left out: any. */
  attestedBy: v.optional(v.nullable(attestorName)),
});

/** The match is no longer wanted: its position in the queue goes to the next. Not answered. */
export const WithdrawSchema = v.object({ type: v.literal('withdraw'), requestId: count });

/**
 * What was delivered under a lease: both halves of a receipt; or, for an answer that broke off, the requester's last
 * acknowledgement, which the provider holds. Complete in itself: its reader need not remember anything.
 */
export const FilingSchema = v.object({
  lease: base32UpTo(MAX_RECORD_BYTES),
  proof: v.variant('kind', [
    v.object({
      kind: v.literal('receipt'),
      provider: base32UpTo(MAX_RECORD_BYTES),
      requester: base32UpTo(MAX_RECORD_BYTES),
    }),
    v.object({
      kind: v.literal('acknowledgement'),
      acknowledgement: base32UpTo(MAX_RECORD_BYTES),
    }),
  ]),
});
export type Filing = v.InferOutput<typeof FilingSchema>;

/** Please keep this. Answered with `filed`. */
export const FileSchema = v.object({ type: v.literal('file'), requestId: count, ...FilingSchema.entries });

/** Please relay a link to this peer: answered with `relayed`, while the peer gets a `call`. */
export const RelaySchema = v.object({ type: v.literal('relay'), requestId: count, peer: peerId });

/** Leaving now; the registry forgets this peer at once. */
export const ByeSchema = v.object({ type: v.literal('bye') });

const TO_SERVER = [
  HelloSchema,
  ProofSchema,
  AdvertSchema,
  HeartbeatSchema,
  MatchSchema,
  WithdrawSchema,
  FileSchema,
  ReportSchema,
  RelaySchema,
  HoldSchema,
  HoldersSchema,
  KeptSchema,
  OrderSchema,
  WitnessSchema,
  CosignSchema,
  ByeSchema,
] as const;
export type ToServer = v.InferOutput<(typeof TO_SERVER)[number]>;

// ---- Server → peer -------------------------------------------------------------------------------------------------

/** Prove that the key of your hello is yours, and do `workBits` bits of work where that is not 0; sign in `network`, where one is named. */
export const ChallengeSchema = v.object({
  type: v.literal('challenge'),
  nonce: base32(32),
  workBits: v.pipe(count, v.maxValue(256)),
  network: v.optional(networkId),
});
export type Challenge = v.InferOutput<typeof ChallengeSchema>;

/** The RTCIceServer list for WebRTC; empty on one machine or one network. */
const iceServers = v.pipe(
  v.array(
    v.object({
      urls: v.union([text(512), v.pipe(v.array(text(512)), v.maxLength(8))]),
      username: v.optional(text(512)),
      credential: v.optional(text(512)),
    }),
  ),
  v.maxLength(16),
);

/** The key was proved: this peer is in. */
export const WelcomeSchema = v.object({
  type: v.literal('welcome'),
  version: count,
  heartbeatMs: v.pipe(count, v.minValue(100), v.maxValue(60_000)),
  iceServers,
  /** Opens `/signal` for this peer id, as long as this connection lives and a minute longer. */
  signalToken: v.pipe(v.string(), v.regex(/^[a-z2-7]{16,64}$/)),
  /** The id of the control plane's own key: only its leases count here. */
  issuer: peerId,
  /** Milliseconds since 1970, by the clock that dates its leases. Left out by older servers. */
  now: v.optional(time),
});

/** Use these servers from now on: a relay's credentials expire. */
export const IceSchema = v.object({ type: v.literal('ice'), iceServers });

/**
 * The answer to `match`, best first: a slot of the first is kept for a moment. `lease`: the permission for each of them
 * (`lease.ts`). Empty: nobody offers the model to this peer.
 */
export const MatchedSchema = v.object({
  type: v.literal('matched'),
  requestId: count,
  lease: v.nullable(base32UpTo(MAX_RECORD_BYTES)),
  candidates: listOf(CandidateSchema, MAX_CANDIDATES),
});

/** All suitable providers are busy; this match keeps its position. Sent again on changes, and every QUEUED_EVERY_MS. */
export const QueuedSchema = v.object({
  type: v.literal('queued'),
  requestId: count,
  /** 1: the next free slot is for this one. */
  position: v.pipe(count, v.minValue(1)),
  /** The expected wait, at the queue's recent pace; null: not known yet. */
  estimateMs: v.nullable(count),
  /** Others go first because they have the credits for it, and this requester has not. Left out: no. */
  behindPayers: v.optional(v.boolean()),
});
export type Queued = v.InferOutput<typeof QueuedSchema>;

/** The answer to `file`: it is kept. */
export const FiledSchema = v.object({ type: v.literal('filed'), requestId: count });

/** The answer to `relay`: the ticket opens our end of the link. */
export const RelayedSchema = v.object({
  type: v.literal('relayed'),
  requestId: count,
  ticket: base32(RELAY_TICKET_BYTES),
});

/** This peer wants a relayed link to us: the ticket opens our end of it. */
export const CallSchema = v.object({ type: v.literal('call'), peer: peerId, ticket: base32(RELAY_TICKET_BYTES) });

/**
 * A provider in a shortlist of ours has left, or its connection to the control plane broke. It may still be there: a
 * requester that is reading an answer from it had better ask another as well.
 */
export const GoneSchema = v.object({ type: v.literal('gone'), peer: peerId });

/**
 * This model of ours is out of memory and will probably be asked soon: load it ahead. A provider does so when its owner
 * can spare the memory, and says so in its next advert. Not answered.
 */
export const ExpectSchema = v.object({ type: v.literal('expect'), task: v.optional(taskName), model: modelId });

/** What the mesh offers now: after the welcome, and whenever it changed (at most once a second). */
export const OffersSchema = v.object({
  type: v.literal('offers'),
  peers: count,
  providers: count,
  models: listOf(OfferSchema, MAX_READ_OFFERS),
  /** Convicted or quarantined: nobody asks these while the control plane is away. Left out: none. */
  shunned: v.optional(listOf(peerId, MAX_SHUNNED)),
  /** As in the welcome: clocks get set, and computers sleep. A moment late, and not in every one. */
  now: v.optional(time),
});

/**
 * Something was refused. With `requestId`: that request. Without: `version_mismatch` and `control_refused` concern the
 * connection, which is closed, and a retry is pointless; others concern the last message.
 */
export const RefusedSchema = v.object({
  type: v.literal('refused'),
  requestId: v.optional(count),
  code: errorCode,
  message: sentence(1024),
});

const FROM_SERVER = [
  ChallengeSchema,
  WelcomeSchema,
  IceSchema,
  MatchedSchema,
  QueuedSchema,
  FiledSchema,
  RelayedSchema,
  HeldSchema,
  CallSchema,
  GoneSchema,
  ExpectSchema,
  KeepSchema,
  ProveSchema,
  AuditSchema,
  QuestionSchema,
  StandingSchema,
  AccountSchema,
  CheckpointSchema,
  OffersSchema,
  RefusedSchema,
] as const;
export type FromServer = v.InferOutput<(typeof FROM_SERVER)[number]>;
export type Welcome = v.InferOutput<typeof WelcomeSchema>;
export type IceServer = Welcome['iceServers'][number];
export type Offers = v.InferOutput<typeof OffersSchema>;

/** A peer's WebSocket text frame as a message; null: it is invalid. */
export function parseToServer(json: string): ToServer | null {
  return json.length > MAX_TO_SERVER_BYTES ? null : parseJson(TO_SERVER_BY_TYPE, json);
}

/** The server's WebSocket text frame as a message; null: it is invalid. */
export function parseFromServer(json: string): FromServer | null {
  return parseJson(FROM_SERVER_BY_TYPE, json);
}

type MessageSchema = v.GenericSchema<unknown, { type: string }> & { entries: { type: { literal: string } } };

/** `v.variant` tries all of its options for each message, which takes longer than checking a heartbeat. */
function byType<T extends MessageSchema>(schemas: readonly T[]): ReadonlyMap<unknown, T> {
  return new Map(schemas.map((schema) => [schema.entries.type.literal, schema]));
}

const TO_SERVER_BY_TYPE = byType<(typeof TO_SERVER)[number]>(TO_SERVER);
const FROM_SERVER_BY_TYPE = byType<(typeof FROM_SERVER)[number]>(FROM_SERVER);

function parseJson<T extends MessageSchema>(schemas: ReadonlyMap<unknown, T>, json: string): v.InferOutput<T> | null {
  if (json.length > MAX_MESSAGE_BYTES) return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('type' in value)) return null;
  const schema = schemas.get(value.type);
  if (schema === undefined) return null;
  const result = v.safeParse(schema, value);
  return result.success ? result.output : null;
}

/** The position of a match in the queue. */
export type QueuePosition = Pick<Queued, 'position' | 'estimateMs' | 'behindPayers'>;
