/**
 * Everything that is said on the wire, declared once. The types are what the schemas accept; `parse` is the only way
 * from bytes of a stranger to a message. Data plane: peer to peer, MessagePack (`frame.ts`). Control plane: peer to
 * server, JSON text on the WebSocket `/mesh`. The sender is who the connection proves, never what a message says.
 */
import * as v from 'valibot';
import { ERROR_CODES } from './errors.ts';
import { isModelId, isPeerId, isTaskId, type ModelId, type PeerId, type TaskId } from './ids.ts';

/** Both ends must speak the same one; it is the first byte of every data frame and a field of `hello`. */
export const PROTOCOL_VERSION = 1;

/** The most one message may take, whole, on either plane. */
export const MAX_MESSAGE_BYTES = 1_048_576;
/** The most one data-channel fragment may take, header included: what every WebRTC stack carries. */
export const MAX_FRAGMENT_BYTES = 16_384;
/** The most text of one question with its history, in UTF-8 bytes; models refuse far less by their context. */
export const MAX_PROMPT_BYTES = 524_288;
export const MAX_TURNS = 512;
export const MAX_MODELS_PER_PEER = 16;
export const MAX_CANDIDATES = 8;

const peerId = v.custom<PeerId>(isPeerId);
const taskId = v.custom<TaskId>(isTaskId);
const modelId = v.custom<ModelId>(isModelId);
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const positive = v.pipe(v.number(), v.finite(), v.minValue(0));
const text = (most: number) => v.pipe(v.string(), v.maxLength(most));
const errorCode = v.picklist(ERROR_CODES);
/** Bytes in JSON are base32, see `base32.ts`: 32 of them, and 64. */
const bytes32 = v.pipe(v.string(), v.regex(/^[a-z2-7]{52}$/));
const bytes64 = v.pipe(v.string(), v.regex(/^[a-z2-7]{103}$/));

/** One turn of a conversation. */
export const TurnSchema = v.object({
  role: v.picklist(['system', 'user', 'assistant']),
  content: text(MAX_PROMPT_BYTES),
});
export type Turn = v.InferOutput<typeof TurnSchema>;

/** How the next token is chosen. Left out: the provider's default. Temperature 0 is greedy. */
export const SamplingSchema = v.object({
  temperature: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(2))),
  topP: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff))),
});
export type Sampling = v.InferOutput<typeof SamplingSchema>;

// ---- Data plane: peer ↔ peer -------------------------------------------------------------------------------------

/** Is the other end alive, and how far away? The receiver sends it back with `reply: true` at once. */
export const PingSchema = v.object({ kind: v.literal('PING'), nonce: count, reply: v.boolean() });

/** Please run this. `lease` is the place of the control plane's signed leave. */
export const TaskRequestSchema = v.object({
  kind: v.literal('TASK_REQUEST'),
  taskId,
  task: v.literal('chat'),
  model: modelId,
  turns: v.pipe(v.array(TurnSchema), v.minLength(1), v.maxLength(MAX_TURNS)),
  sampling: SamplingSchema,
  maxTokens: v.pipe(count, v.minValue(1)),
  lease: v.nullable(v.instance(Uint8Array)),
});

/** The provider took the task; `ahead` tasks run or wait before it. Sent again when that number falls; 0: it runs. */
export const TaskAcceptedSchema = v.object({ kind: v.literal('TASK_ACCEPTED'), taskId, ahead: count });

/**
 * The next piece of the answer. `index` is the number of tokens before it, `tokens` how many it holds; `tokenIds` are
 * theirs in the model's vocabulary, from engines that can tell.
 */
export const TaskChunkSchema = v.object({
  kind: v.literal('TASK_CHUNK'),
  taskId,
  index: count,
  tokens: count,
  text: text(65_536),
  tokenIds: v.optional(v.pipe(v.array(count), v.maxLength(4096))),
});

/** The answer is whole. `stop`: the model ended it; `length`: `maxTokens` or the context did. */
export const TaskResponseSchema = v.object({
  kind: v.literal('TASK_RESPONSE'),
  taskId,
  finish: v.picklist(['stop', 'length']),
  promptTokens: count,
  completionTokens: count,
});

/** The requester wants no more of it. The provider stops computing and answers nothing further. */
export const TaskCancelSchema = v.object({ kind: v.literal('TASK_CANCEL'), taskId });

/** The task ended without an answer. `message` is for a person. */
export const TaskErrorSchema = v.object({
  kind: v.literal('TASK_ERROR'),
  taskId,
  code: errorCode,
  message: text(1024),
});

const DataSchema = v.variant('kind', [
  PingSchema,
  TaskRequestSchema,
  TaskAcceptedSchema,
  TaskChunkSchema,
  TaskResponseSchema,
  TaskCancelSchema,
  TaskErrorSchema,
]);
export type DataMessage = v.InferOutput<typeof DataSchema>;
export type TaskRequest = v.InferOutput<typeof TaskRequestSchema>;
export type TaskChunk = v.InferOutput<typeof TaskChunkSchema>;
/** What a provider says about a task that it was asked to run. */
export type TaskReply = Extract<DataMessage, { kind: 'TASK_ACCEPTED' | 'TASK_CHUNK' | 'TASK_RESPONSE' | 'TASK_ERROR' }>;

/** A decoded value of a stranger as a message, or `null`. Unknown fields are dropped, unknown kinds are `null`. */
export function parseData(value: unknown): DataMessage | null {
  const result = v.safeParse(DataSchema, value);
  return result.success ? result.output : null;
}

// ---- Control plane: peer → server --------------------------------------------------------------------------------

/** What runs the model, as probed and not as hoped. */
export const BACKENDS = ['webgpu', 'wasm', 'cpu', 'cuda', 'metal', 'vulkan'] as const;
export type Backend = (typeof BACKENDS)[number];

/** One model that a provider has loaded and will answer with now. */
export const ModelAdvertSchema = v.object({
  id: modelId,
  name: text(80),
  quant: text(24),
  format: v.picklist(['gguf', 'mlc']),
  backend: v.picklist(BACKENDS),
  contextTokens: count,
  /** SHA-256 of the model's one file, hex; null for a model of many files or one that was not hashed. */
  sha256: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  /** Measured decode speed of one answer; null until something was measured. */
  tokensPerSecond: v.nullable(positive),
});
export type ModelAdvert = v.InferOutput<typeof ModelAdvertSchema>;

/**
 * The first message on `/mesh`. `key`: the Ed25519 public key, 32 bytes as base32, that `peerId` is derived from. Null
 * came from programs that had none: they are told to update, which takes that they are understood.
 */
export const HelloSchema = v.object({
  type: v.literal('hello'),
  version: count,
  peerId,
  agent: v.picklist(['browser', 'native']),
  key: v.nullable(text(64)),
});

/** The answer to `challenge`, right once: see `key-proof.ts`. */
export const ProofSchema = v.object({
  type: v.literal('proof'),
  signature: bytes64,
  /** The number that `hashcash.ts` found; 0 where no work was asked for. */
  work: count,
});
export type Proof = v.InferOutput<typeof ProofSchema>;

/** All that this peer offers from now on; an empty list: nothing. Replaces the advert before. */
export const AdvertSchema = v.object({
  type: v.literal('advert'),
  models: v.pipe(v.array(ModelAdvertSchema), v.maxLength(MAX_MODELS_PER_PEER)),
  /** Answers at once. */
  slots: v.pipe(count, v.maxValue(1024)),
});

/** Still here, and how busy. Sent every `heartbeatMs` of the welcome, and at once when a slot is taken or freed. */
export const HeartbeatSchema = v.object({
  type: v.literal('heartbeat'),
  busySlots: v.pipe(count, v.maxValue(1024)),
  /** Waiting at the provider itself. */
  queued: v.pipe(count, v.maxValue(65_536)),
  /** Measured over the last answers; absent while nothing was measured. */
  tokensPerSecond: v.optional(positive),
  /** Tokens written since the last heartbeat. */
  tokens: count,
});

/** Who can answer with this model? `exclude`: those just tried. */
export const MatchSchema = v.object({
  type: v.literal('match'),
  requestId: count,
  model: modelId,
  exclude: v.pipe(v.array(peerId), v.maxLength(64)),
});

/** Leaving now; the registry forgets this peer at once. */
export const ByeSchema = v.object({ type: v.literal('bye') });

const ToServerSchema = v.variant('type', [
  HelloSchema,
  ProofSchema,
  AdvertSchema,
  HeartbeatSchema,
  MatchSchema,
  ByeSchema,
]);
export type ToServer = v.InferOutput<typeof ToServerSchema>;

// ---- Control plane: server → peer --------------------------------------------------------------------------------

/** Prove that the key of your hello is yours, and do `workBits` bits of work where that is not 0. */
export const ChallengeSchema = v.object({
  type: v.literal('challenge'),
  nonce: bytes32,
  workBits: v.pipe(count, v.maxValue(256)),
});
export type Challenge = v.InferOutput<typeof ChallengeSchema>;

/** The key was proved: this peer is in. */
export const WelcomeSchema = v.object({
  type: v.literal('welcome'),
  version: count,
  heartbeatMs: v.pipe(count, v.minValue(100), v.maxValue(60_000)),
  /** RTCIceServer list for WebRTC; empty on one machine or one network. */
  iceServers: v.pipe(
    v.array(
      v.object({
        urls: v.union([text(512), v.pipe(v.array(text(512)), v.maxLength(8))]),
        username: v.optional(text(512)),
        credential: v.optional(text(512)),
      }),
    ),
    v.maxLength(16),
  ),
  /** Opens `/signal` for this peer id, as long as this connection lives and a minute longer. */
  signalToken: v.pipe(v.string(), v.regex(/^[a-z2-7]{16,64}$/)),
});

/** One provider in a shortlist, with what `route.ts` ranks by. */
export const CandidateSchema = v.object({
  peerId,
  agent: v.picklist(['browser', 'native']),
  model: ModelAdvertSchema,
  slots: count,
  busySlots: count,
  queued: count,
});
export type Candidate = v.InferOutput<typeof CandidateSchema>;

/** The answer to `match`, best first. Empty: nobody offers the model. */
export const MatchedSchema = v.object({
  type: v.literal('matched'),
  requestId: count,
  candidates: v.pipe(v.array(CandidateSchema), v.maxLength(MAX_CANDIDATES)),
});

/** One model as the whole mesh offers it. */
export const OfferSchema = v.object({
  id: modelId,
  name: text(80),
  quant: text(24),
  format: v.picklist(['gguf', 'mlc']),
  contextTokens: count,
  providers: count,
  slots: count,
  busySlots: count,
  queued: count,
  /** Median of what the providers measured. */
  tokensPerSecond: v.nullable(positive),
});
export type Offer = v.InferOutput<typeof OfferSchema>;

/** What the mesh offers now: after the welcome, and whenever it changed (at most once a second). */
export const OffersSchema = v.object({
  type: v.literal('offers'),
  peers: count,
  providers: count,
  models: v.array(OfferSchema),
});

/**
 * Something was refused. With `requestId`: that match. Without: `version_mismatch` and `control_refused` are about the
 * connection, which is closed and need not be tried again; others are about the last message.
 */
export const RefusedSchema = v.object({
  type: v.literal('refused'),
  requestId: v.optional(count),
  code: errorCode,
  message: text(1024),
});

const FromServerSchema = v.variant('type', [
  ChallengeSchema,
  WelcomeSchema,
  MatchedSchema,
  OffersSchema,
  RefusedSchema,
]);
export type FromServer = v.InferOutput<typeof FromServerSchema>;
export type Welcome = v.InferOutput<typeof WelcomeSchema>;
export type IceServer = Welcome['iceServers'][number];
export type Offers = v.InferOutput<typeof OffersSchema>;

/** One WebSocket text frame of a peer as a message, or `null`. */
export function parseToServer(json: string): ToServer | null {
  return parseJson(ToServerSchema, json);
}

/** One WebSocket text frame of the server as a message, or `null`. */
export function parseFromServer(json: string): FromServer | null {
  return parseJson(FromServerSchema, json);
}

function parseJson<T extends v.GenericSchema>(schema: T, json: string): v.InferOutput<T> | null {
  if (json.length > MAX_MESSAGE_BYTES) return null;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  const result = v.safeParse(schema, value);
  return result.success ? result.output : null;
}

// ---- Read-only HTTP: /api/peers, /api/models, /api/stats ---------------------------------------------------------

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
  queued: count,
  /** Tokens a second that all providers together wrote over the last minute. */
  tokensPerSecond: positive,
  matches: count,
});
export type Stats = v.InferOutput<typeof StatsSchema>;
