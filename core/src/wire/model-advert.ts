/** What is said of one model that is lent: by who lends it, and by the control plane of all who do. */
import * as v from 'valibot';
import type { TaskName } from '../base/ids.ts';
import { MAX_VECTOR_NUMBERS, count, label, modelId, positive, sha256, taskName, text } from './fields.ts';

/** The kinds of task that models of language are lent for. */
export const [CHAT, EMBEDDING] = ['chat', 'embedding'] as const;
/** The adapters of one model, at one provider. */
export const MAX_ADAPTERS = 16;
/** So long a model that is out of memory may say that it takes to be loaded. */
export const MAX_WAKING_MS = 3_600_000;
/** What people are shown of a model or an adapter. */
export const [MAX_NAME_CHARACTERS, MAX_QUANT_CHARACTERS] = [80, 24];
/** A model with less room can answer nothing; none has so much. */
export const [MIN_CONTEXT_TOKENS, MAX_CONTEXT_TOKENS] = [128, 10_000_000];
/** Nothing writes one answer faster. */
export const MAX_TOKENS_PER_SECOND = 100_000;
/** Answers at once of one provider. More that it says it has are not counted. */
export const MAX_SLOTS = 64;

/** What runs the model, as probed and not as hoped. */
export const BACKENDS = ['webgpu', 'wasm', 'cpu', 'cuda', 'metal', 'vulkan'] as const;
export type Backend = (typeof BACKENDS)[number];

/** Newer programs may have abilities that are unknown here. */
const abilities = v.optional(
  v.pipe(
    v.array(text(24)),
    v.maxLength(16),
    v.transform((all) => ABILITIES.filter((one) => all.includes(one))),
  ),
);

/** A small file (LoRA) that has a model answer in its own way. Named by the SHA-256 of the file. */
export const AdapterSchema = v.object({ sha256, name: label(MAX_NAME_CHARACTERS, 1) });
export type Adapter = v.InferOutput<typeof AdapterSchema>;
/** How many numbers its vectors have, where its task is `embedding`. */
const embeds = v.optional(v.pipe(count, v.minValue(1), v.maxValue(MAX_VECTOR_NUMBERS)));

/** What a person reads of a model, and what it can hold. */
const described = {
  id: modelId,
  /** The kind of task that it is lent for, see `tasks/task-kind.ts`. Left out: `chat`. */
  task: v.optional(taskName),
  name: label(MAX_NAME_CHARACTERS, 1),
  quant: label(MAX_QUANT_CHARACTERS),
  /** `none`: it is no model of language. */
  format: v.picklist(['gguf', 'mlc', 'none']),
  contextTokens: v.pipe(
    count,
    v.minValue(MIN_CONTEXT_TOKENS, `less than ${MIN_CONTEXT_TOKENS}`),
    v.maxValue(MAX_CONTEXT_TOKENS, `more than ${MAX_CONTEXT_TOKENS}`),
  ),
};
const speed = v.pipe(positive, v.maxValue(MAX_TOKENS_PER_SECOND, `more than ${MAX_TOKENS_PER_SECOND}`));

/** Field by field, without what ties them together. */
export const PlainAdvertSchema = v.object({
  ...described,
  backend: v.picklist(BACKENDS),
  /** SHA-256 of the model's one file, hex; null for a model of many files or one that was not hashed. */
  sha256: v.nullable(sha256),
  /** Measured decode speed of one answer; null until something was measured. */
  tokensPerSecond: v.nullable(speed),
  /** What it can go on from when another provider began the answer: `Continues` of `engine.ts`. */
  continues: v.picklist(['ids', 'text', 'none']),
  /** Left out: none. */
  abilities,
  /** With each of these it can answer instead of as it is. Left out: none. */
  adapters: v.optional(v.pipe(v.array(AdapterSchema), v.maxLength(MAX_ADAPTERS))),
  /** It fetches others by their SHA-256, when it is asked for them, from where its owner said; it may find none there. */
  fetchesAdapters: v.optional(v.boolean()),
  embeds,
  /** It is out of memory, and takes about so long to be loaded for a question. Left out: it is in memory. */
  wakesInMs: v.optional(v.pipe(count, v.maxValue(MAX_WAKING_MS))),
});
/** One model that a provider will answer with now; or whatever else it does tasks of its kind with. */
export const ModelAdvertSchema = v.pipe(
  PlainAdvertSchema,
  v.check(
    ({ embeds, task }) => (embeds !== undefined) === (task === EMBEDDING),
    'vectors are for the task "embedding"',
  ),
);
export type ModelAdvert = v.InferOutput<typeof ModelAdvertSchema>;

/** The kind of task that it is lent for. */
export function taskOf({ task }: Pick<ModelAdvert, 'task'>): TaskName {
  return task ?? CHAT;
}

/** One model as the whole mesh offers it: all providers that lend the same file under the same name, for the same task. */
export const OfferSchema = v.object({
  ...described,
  /** The hash of the file, as its providers say; null: they do not say. Left out: the control plane does not tell. */
  sha256: v.optional(v.nullable(sha256)),
  /** The id alone means another file: this one is asked for with its SHA-256, see `offer-name.ts`. Left out: the id does. */
  alternative: v.optional(v.boolean()),
  /** It is a model of the catalogue of the mesh, under its id and with its SHA-256, where the catalogue has one. */
  catalogued: v.optional(v.boolean()),
  /** There are receipts of others for what some of its providers delivered. */
  proven: v.optional(v.boolean()),
  providers: count,
  slots: count,
  busySlots: count,
  queued: count,
  /** That count when a model is chosen: of each provider no more than it has a record for. Left out: not reckoned. */
  freeSlots: v.optional(count),
  /** Median of what the providers measured. */
  tokensPerSecond: v.nullable(positive),
  /** That any of its providers has; those that the most of them have, where there are more. Left out: none. */
  adapters: v.optional(v.pipe(v.array(AdapterSchema), v.maxLength(MAX_ADAPTERS))),
  /** There are more than these, or some of its providers fetch others. */
  moreAdapters: v.optional(v.boolean()),
  embeds,
});
export type Offer = v.InferOutput<typeof OfferSchema>;

/**
 * Beyond chatting. `schema`: it holds answers to a JSON schema. `completion`: it goes on with bare text. `logprobs`: it
 * tells how likely each token was. `penalties`: it writes less often what it wrote already.
 */
export const ABILITIES = ['schema', 'completion', 'logprobs', 'penalties'] as const;

export type Ability = (typeof ABILITIES)[number];

/** The slots of one provider. More than MAX_SLOTS were once allowed, and count as MAX_SLOTS. */
export const slots = v.pipe(
  count,
  v.maxValue(1024),
  v.transform((all) => Math.min(all, MAX_SLOTS)),
);
