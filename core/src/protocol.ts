/**
 * What peers say to each other, declared once, in MessagePack (`frame.ts`). The types are what the schemas accept;
 * `parseData` is the only way from a stranger's value to a message. The sender is the peer that the connection proves,
 * never what a message says. What a peer and the server say to each other is in `control-protocol.ts`.
 */
import * as v from 'valibot';
import type { TaskId } from './base/ids.ts';
import {
  MAX_MESSAGE_BYTES,
  MAX_RECORD_BYTES,
  bytes,
  count,
  errorCode,
  listOf,
  modelId,
  peerId,
  sentence,
  sha256,
  taskId,
  taskName,
  text,
} from './wire/fields.ts';
import { CandidateSchema } from './wire/candidate.ts';
import { MAX_PROMPT_BYTES, MAX_TOKEN_CHARACTERS, MAX_TOKEN_ID, MAX_TOKEN_IDS } from './wire/peer-limits.ts';
import { SWARM_SCHEMAS } from './wire/swarm-protocol.ts';
import { MAX_CHECKPOINT_CHARS } from './wire/credit-messages.ts';

export {
  MAX_PREFIX_CHARACTERS,
  MAX_PREFIX_TOKENS,
  MAX_PROMPT_BYTES,
  MAX_TOKEN_CHARACTERS,
  MAX_TOKEN_ID,
  MAX_TOKEN_IDS,
  MAX_TURNS,
  PROTOCOL_VERSION,
} from './wire/peer-limits.ts';

/** The most bytes of one data-channel fragment, header included: what every WebRTC stack carries. */
export const MAX_FRAGMENT_BYTES = 16_384;
/** The growth of a fragment when it is sealed: the header of `seal-wire.ts` and the tag of its cipher. */
export const SEAL_BYTES = 18;
export const MAX_SEALED_BYTES = MAX_FRAGMENT_BYTES + SEAL_BYTES;
/** The most bytes of a task's packed input: a message, less the fields around it. */
export const MAX_INPUT_BYTES = MAX_MESSAGE_BYTES - 4_096;
/** The most bytes of one packed piece. */
export const MAX_PIECE_BYTES = 524_288;
/** The most bytes of a packed result, which ends a task beside its pieces. */
export const MAX_RESULT_BYTES = 65_536;
/** The most functions called in one turn. */
export const MAX_CALLS = 128;
export const MAX_CALL_ID_CHARS = 128;
/** The most functions that a question offers, and the longest text about them. */
export const MAX_TOOLS = 128;
export const MAX_TOOLS_CHARS = 262_144;
/** The most tokens of a vocabulary that a question makes likelier or less likely. */
export const MAX_BIASED_TOKENS = 300;
export const SALT_BYTES = 16;
/** The provider's half of what an answer's draws are derived from: `proof/seeds.ts`. */
export const HALF_BYTES = 16;
/** How many of the likeliest tokens are reported beside the one that was written. */
export const MAX_TOP_LOGPROBS = 20;
/** Providers that one KNOWN_PEERS may name. */
export const MAX_KNOWN_PEERS = 32;
/** Older news about a provider does not count. */
export const MAX_KNOWN_AGE_SECONDS = 3_600;
/** The longest description of one end of a future connection: an SDP with its candidates. */
export const MAX_DESCRIPTION_CHARS = 12_288;

/** Names of functions: OpenAI's API takes 64 letters, digits, "_" and "-"; others take more, and write paths of names. */
export const FUNCTION_NAME = /^[\w.:/-]{1,128}$/;
export const functionName = v.pipe(v.string(), v.regex(FUNCTION_NAME));

/** A function that the model called. */
export const CallSchema = v.object({
  /** Unique in its conversation. */
  id: v.pipe(text(MAX_CALL_ID_CHARS), v.minLength(1)),
  name: functionName,
  /** JSON, as the model wrote it. */
  arguments: text(MAX_PROMPT_BYTES),
});
export type Call = v.InferOutput<typeof CallSchema>;

/** One turn of a conversation. */
export const TurnSchema = v.object({
  role: v.picklist(['system', 'user', 'assistant', 'tool']),
  content: text(MAX_PROMPT_BYTES),
  /** Of an assistant: the functions that it called, beside what it said. Left out: none. */
  calls: v.optional(v.pipe(v.array(CallSchema), v.minLength(1), v.maxLength(MAX_CALLS))),
  /** Of an assistant: what it thought before it spoke. Left out: nothing, or nobody kept it. */
  thoughts: v.optional(text(MAX_PROMPT_BYTES)),
  /** Of a tool: the call whose result `content` is. */
  call: v.optional(v.object({ id: CallSchema.entries.id, name: functionName })),
});
export type Turn = v.InferOutput<typeof TurnSchema>;

/** Functions that a model may call in its answer. */
export const ToolsSchema = v.object({
  /** Each function by its name; JSON text of `[{name, description?, parameters?}]`, read by `syntax/tools.ts`. */
  list: text(MAX_TOOLS_CHARS),
  /** It may call, must call, or must call this one. */
  choice: v.union([v.picklist(['auto', 'required']), v.object({ name: functionName })]),
  /** It may call several at once. */
  parallel: v.boolean(),
});
export type Tools = v.InferOutput<typeof ToolsSchema>;

/** How long a model thinks before it speaks; models that do not think ignore it. Left out: as the model is made. */
export const ThinkingSchema = v.object({
  on: v.boolean(),
  effort: v.optional(v.picklist(['minimal', 'low', 'medium', 'high', 'xhigh'])),
  /** The most tokens of thoughts; then it has to speak. */
  maxTokens: v.optional(v.pipe(count, v.minValue(1))),
});
export type Thinking = v.InferOutput<typeof ThinkingSchema>;

const penalty = v.pipe(v.number(), v.minValue(-2), v.maxValue(2));
const tokenId = v.pipe(count, v.maxValue(MAX_TOKEN_ID));
/** Repetition is divided out of logits: anything beyond these drowns what the model says. */
export const [MIN_REPEAT_PENALTY, MAX_REPEAT_PENALTY] = [0.1, 10] as const;
/** What a bias adds to a logit. At either end a token is as good as forced, or forbidden. */
export const MAX_LOGIT_BIAS = 100;

/** How the next token is chosen. Left out: the provider's default. Temperature 0 is greedy. */
export const SamplingSchema = v.object({
  temperature: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(2))),
  topP: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  /** Only so many of the likeliest tokens are chosen from. 0: all of them. */
  topK: v.optional(v.pipe(count, v.maxValue(MAX_TOKEN_ID))),
  /** Only tokens are chosen from that are at least this likely, compared with the likeliest. */
  minP: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  seed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff))),
  /** Subtracted from the logit of every token that is already in the answer. */
  presencePenalty: v.optional(penalty),
  /** Subtracted from it for each occurrence in the answer. */
  frequencyPenalty: v.optional(penalty),
  /** Positive logits of tokens in the answer are divided by it, negative ones multiplied. 1: nothing changes. */
  repeatPenalty: v.optional(v.pipe(v.number(), v.minValue(MIN_REPEAT_PENALTY), v.maxValue(MAX_REPEAT_PENALTY))),
  /** What is added to the logits of tokens, by their ids in the vocabulary of this very model. */
  logitBias: v.optional(
    v.pipe(
      v.array(v.tuple([tokenId, v.pipe(v.number(), v.minValue(-MAX_LOGIT_BIAS), v.maxValue(MAX_LOGIT_BIAS))])),
      v.maxLength(MAX_BIASED_TOKENS),
    ),
  ),
});
export type Sampling = v.InferOutput<typeof SamplingSchema>;

/** Is the other end alive, and how far away? The receiver sends it back with `reply: true` at once. */
export const PingSchema = v.object({ kind: v.literal('PING'), nonce: count, reply: v.boolean() });

/** Ids of tokens in one model's vocabulary. */
export const tokenIds = v.pipe(v.array(tokenId), v.maxLength(MAX_TOKEN_IDS));

/**
 * Please run this. The `input` is packed as its kind declares (`tasks/task-kind.ts`, `wire/body.ts`): both ends commit
 * to these very bytes (`receipts/request-commitment.ts`).
 */
export const TaskRequestSchema = v.object({
  kind: v.literal('TASK_REQUEST'),
  taskId,
  /** The kind of task. */
  task: taskName,
  model: modelId,
  /** The model's file as the provider advertised it; null: it named none. */
  file: v.nullable(sha256),
  input: bytes(MAX_INPUT_BYTES),
  /** The limit for this provider's part, in units of its kind. */
  maxUnits: v.pipe(count, v.minValue(1)),
  /** The control plane's permission to ask this provider (`lease.ts`); null where it could not be asked. */
  lease: v.nullable(bytes(MAX_RECORD_BYTES)),
  /** Random, known only to the two ends, so that a commitment or a digest tells nobody else what was said. */
  salt: v.pipe(v.instance(Uint8Array), v.length(SALT_BYTES)),
});

/** The provider took the task; `ahead` tasks run or wait before it. Sent again when that number falls; 0: it runs. */
export const TaskAcceptedSchema = v.object({
  kind: v.literal('TASK_ACCEPTED'),
  taskId,
  ahead: count,
  /** Its half of the seed, the same each time, and signed with the receipt. Left out: its draws cannot be repeated. */
  half: v.optional(v.pipe(v.instance(Uint8Array), v.length(HALF_BYTES))),
});

/** One token, and the natural logarithm of its probability. A part of a character reads as U+FFFD. */
const likely = { text: text(MAX_TOKEN_CHARACTERS), logprob: v.pipe(v.number(), v.maxValue(0)) };
export const TokenLogprobSchema = v.object({
  ...likely,
  /** The likeliest tokens here, whatever was written. */
  top: v.pipe(v.array(v.object(likely)), v.maxLength(MAX_TOP_LOGPROBS)),
});
export type TokenLogprob = v.InferOutput<typeof TokenLogprobSchema>;

/** The next piece of the work. `index` is the number of units before it, `units` how many it holds. */
export const TaskChunkSchema = v.object({
  kind: v.literal('TASK_CHUNK'),
  taskId,
  index: count,
  units: count,
  /** Packed as the kind of the task declares. */
  piece: bytes(MAX_PIECE_BYTES),
});

/** The requester has this much of the answer, and signs for it: `receipt.ts`. */
export const TaskAckSchema = v.object({
  kind: v.literal('TASK_ACK'),
  taskId,
  acknowledgement: bytes(MAX_RECORD_BYTES),
});

/** The work is done. `receipt`: the provider's half; null for a task without a lease. */
export const TaskResponseSchema = v.object({
  kind: v.literal('TASK_RESPONSE'),
  taskId,
  /** The units of this part by the provider's own count: the last one may have had nothing to show. */
  units: count,
  /** The input that was read, in units of the kind: tokens of the turns, say. */
  inputUnits: count,
  /** Packed as the kind of the task declares. */
  result: bytes(MAX_RESULT_BYTES),
  receipt: v.nullable(bytes(MAX_RECORD_BYTES)),
});

/** The requester's half of the receipt. */
export const TaskReceiptSchema = v.object({
  kind: v.literal('TASK_RECEIPT'),
  taskId,
  receipt: bytes(MAX_RECORD_BYTES),
});

/** The requester wants no more of it. The provider stops computing and sends nothing further. */
export const TaskCancelSchema = v.object({ kind: v.literal('TASK_CANCEL'), taskId });

/** The task ended without an answer. `message` is for a person. */
export const TaskErrorSchema = v.object({
  kind: v.literal('TASK_ERROR'),
  taskId,
  code: errorCode,
  message: sentence(1024),
});

/** The log's signed checkpoint, as the sender was shown it: see `peers/checkpoints.ts`. Left out: it was shown none. */
const checkpoint = v.optional(text(MAX_CHECKPOINT_CHARS));

/** Which providers do you know? Lets questions find them while the control plane is away. */
export const RequestPeersSchema = v.object({
  kind: v.literal('REQUEST_PEERS'),
  /** No more than so many; 0: only the checkpoint matters. Left out: as many as fit. */
  most: v.optional(v.pipe(count, v.maxValue(MAX_KNOWN_PEERS))),
  checkpoint,
});

const KnownPeerSchema = v.object({
  ...CandidateSchema.entries,
  ageSeconds: v.pipe(count, v.maxValue(MAX_KNOWN_AGE_SECONDS)),
  linked: v.boolean(),
});

/**
 * The answer: providers as described by the control plane or by themselves, never hearsay. `ageSeconds`: since then.
 * `linked`: there is an open link to it now, over which the sender would introduce.
 */
export const KnownPeersSchema = v.object({
  kind: v.literal('KNOWN_PEERS'),
  peers: listOf(KnownPeerSchema, MAX_KNOWN_PEERS),
  checkpoint,
});

const description = v.pipe(text(MAX_DESCRIPTION_CHARS), v.minLength(1));

/** Please pass this WebRTC offer on to `peer`, which you are linked to. Answered by INTRODUCTION with the same `id`. */
export const IntroduceSchema = v.object({
  kind: v.literal('INTRODUCE'),
  /** Unique on this link, in this direction. */
  id: count,
  peer: peerId,
  offer: description,
});

/** `peer`, which I have a link to, wants to connect with you: here is its offer. Answered like INTRODUCE. */
export const IntroducedSchema = v.object({ ...IntroduceSchema.entries, kind: v.literal('INTRODUCED') });

/** The other end's answer to the offer under this `id`; null: there is none. Passed back the way the offer came. */
export const IntroductionSchema = v.object({
  kind: v.literal('INTRODUCTION'),
  id: count,
  answer: v.nullable(description),
});

const DataSchema = v.variant('kind', [
  PingSchema,
  TaskRequestSchema,
  TaskAcceptedSchema,
  TaskChunkSchema,
  TaskAckSchema,
  TaskResponseSchema,
  TaskReceiptSchema,
  TaskCancelSchema,
  TaskErrorSchema,
  RequestPeersSchema,
  KnownPeersSchema,
  IntroduceSchema,
  IntroducedSchema,
  IntroductionSchema,
  ...SWARM_SCHEMAS,
]);
export type DataMessage = v.InferOutput<typeof DataSchema>;
export type TaskRequest = v.InferOutput<typeof TaskRequestSchema>;
export type TaskChunk = v.InferOutput<typeof TaskChunkSchema>;
/** What a provider says about a task that it was asked to run. */
export type TaskReply = Extract<DataMessage, { kind: 'TASK_ACCEPTED' | 'TASK_CHUNK' | 'TASK_RESPONSE' | 'TASK_ERROR' }>;

export type KnownPeer = v.InferOutput<typeof KnownPeersSchema>['peers'][number];
/** The messages that introduce peers to each other. */
export type IntroductionMessage = Extract<DataMessage, { kind: 'INTRODUCE' | 'INTRODUCED' | 'INTRODUCTION' }>;

/** A stranger's decoded value as a message, or `null`. Unknown fields are dropped, unknown kinds are `null`. */
export function parseData(value: unknown): DataMessage | null {
  const result = v.safeParse(DataSchema, value, { abortEarly: true });
  return result.success ? result.output : null;
}

/** The task that an invalid message would have asked for, so that only that task is refused; null: none. */
export function taskAskedBy(value: unknown): TaskId | null {
  const result = v.safeParse(AskingSchema, value);
  return result.success ? result.output.taskId : null;
}

const AskingSchema = v.object({ kind: v.literal('TASK_REQUEST'), taskId });
