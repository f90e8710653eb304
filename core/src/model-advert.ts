/** What is said of one model that is lent: by who lends it, and by the control plane of all who do. */
import * as v from 'valibot';
import { ABILITIES } from './abilities.ts';
import { MAX_VECTOR_NUMBERS, count, modelId, positive, sha256, text } from './fields.ts';

/** Of one model, at one provider. */
export const MAX_ADAPTERS = 16;
/** So long a model that is out of memory may say that it takes to be loaded. */
export const MAX_WAKING_MS = 3_600_000;

/** What runs the model, as probed and not as hoped. */
export const BACKENDS = ['webgpu', 'wasm', 'cpu', 'cuda', 'metal', 'vulkan'] as const;
export type Backend = (typeof BACKENDS)[number];

/** Of newer programs there may be some that are not known here. */
const abilities = v.optional(
  v.pipe(
    v.array(text(24)),
    v.maxLength(16),
    v.transform((all) => ABILITIES.filter((one) => all.includes(one))),
  ),
);

/** A small file (LoRA) that has a model answer in its own way. Named by the SHA-256 of the file. */
export const AdapterSchema = v.object({ sha256, name: text(80) });
export type Adapter = v.InferOutput<typeof AdapterSchema>;
/** It turns texts into vectors of so many numbers, and does not chat. Left out: it chats. */
const embeds = v.optional(v.pipe(count, v.minValue(1), v.maxValue(MAX_VECTOR_NUMBERS)));

/** One model that a provider will answer with now. */
export const ModelAdvertSchema = v.object({
  id: modelId,
  name: text(80),
  quant: text(24),
  format: v.picklist(['gguf', 'mlc']),
  backend: v.picklist(BACKENDS),
  contextTokens: count,
  /** SHA-256 of the model's one file, hex; null for a model of many files or one that was not hashed. */
  sha256: v.nullable(sha256),
  /** Measured decode speed of one answer; null until something was measured. */
  tokensPerSecond: v.nullable(positive),
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
export type ModelAdvert = v.InferOutput<typeof ModelAdvertSchema>;

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
  /** That any of its providers has; those that the most of them have, where there are more. Left out: none. */
  adapters: v.optional(v.pipe(v.array(AdapterSchema), v.maxLength(MAX_ADAPTERS))),
  /** There are more than these, or some of its providers fetch others. */
  moreAdapters: v.optional(v.boolean()),
  embeds,
});
export type Offer = v.InferOutput<typeof OfferSchema>;
