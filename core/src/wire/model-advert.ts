/** The description of one shared model: by its provider, and by the control plane for all its providers. */
import * as v from 'valibot';
import type { TaskName } from '../base/ids.ts';
import { AttestationSchema } from './attestation.ts';
import { MAX_VECTOR_NUMBERS, count, label, modelId, positive, sha256, taskName, text } from './fields.ts';

/** The kinds of task that language models are offered for. */
export const [CHAT, EMBEDDING] = ['chat', 'embedding'] as const;
/** Adapters of one model at one provider. */
export const MAX_ADAPTERS = 16;
/** The longest loading time that a model which is out of memory may claim. */
export const MAX_WAKING_MS = 3_600_000;
/** Lengths of what people are shown about a model or an adapter. */
export const [MAX_NAME_CHARACTERS, MAX_QUANT_CHARACTERS] = [80, 24];
/** A model with less context cannot answer anything; no model has more. */
export const [MIN_CONTEXT_TOKENS, MAX_CONTEXT_TOKENS] = [128, 10_000_000];
/** No provider writes one answer faster. */
export const MAX_TOKENS_PER_SECOND = 100_000;
/** Simultaneous answers of one provider. Any more that it claims are not counted. */
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

/** A small file (LoRA) that makes a model answer in its own way. Named by the SHA-256 of the file. */
export const AdapterSchema = v.object({ sha256, name: label(MAX_NAME_CHARACTERS, 1) });
export type Adapter = v.InferOutput<typeof AdapterSchema>;
/** What an adapter has to be made for: what the head of the model's file says. */
export const AdapterBaseSchema = v.object({
  /** `general.architecture` of a GGUF. */
  architecture: v.pipe(v.string(), v.regex(/^[\w.-]{1,48}$/)),
  /** Numbers of a token inside the model. */
  width: v.pipe(count, v.minValue(1), v.maxValue(1_048_576)),
  layers: v.pipe(count, v.minValue(1), v.maxValue(65_536)),
});
export type AdapterBase = v.InferOutput<typeof AdapterBaseSchema>;
/** The number of dimensions of its vectors, where its task is `embedding`. */
const embeds = v.optional(v.pipe(count, v.minValue(1), v.maxValue(MAX_VECTOR_NUMBERS)));

/** What a person reads about a model, and how much it holds. */
const described = {
  id: modelId,
  /** The kind of task that it is offered for, see `tasks/task-kind.ts`. Left out: `chat`. */
  task: v.optional(taskName),
  name: label(MAX_NAME_CHARACTERS, 1),
  quant: label(MAX_QUANT_CHARACTERS),
  /** `none`: it is not a language model. */
  format: v.picklist(['gguf', 'mlc', 'none']),
  contextTokens: v.pipe(
    count,
    v.minValue(MIN_CONTEXT_TOKENS, `less than ${MIN_CONTEXT_TOKENS}`),
    v.maxValue(MAX_CONTEXT_TOKENS, `more than ${MAX_CONTEXT_TOKENS}`),
  ),
};
const speed = v.pipe(positive, v.maxValue(MAX_TOKENS_PER_SECOND, `more than ${MAX_TOKENS_PER_SECOND}`));

/** The fields one by one, without the rules that tie them together. */
export const PlainAdvertSchema = v.object({
  ...described,
  backend: v.picklist(BACKENDS),
  /** The SHA-256 of the model's one file, in hex; null for a model of many files or one that was not hashed. */
  sha256: v.nullable(sha256),
  /** The measured decode speed of one answer; null until something was measured. */
  tokensPerSecond: v.nullable(speed),
  /** What it can continue from when another provider began the answer: `Continues` of `engine.ts`. */
  continues: v.picklist(['ids', 'text', 'none']),
  /**
   * How its answers can be checked, see `proof/score.ts`: their draws can be repeated, or how likely their words are is
   * comparable. Left out: neither. What is left out of a newer program's advert is not taken for a lie.
   */
  replayable: v.optional(v.picklist(['seed', 'likelihood'])),
  /** What vouches for it beside audits. Left out, or of a kind that is not known here: nothing. */
  attestation: v.optional(v.fallback(AttestationSchema, { kind: 'none' })),
  /** Left out: it has none. */
  abilities,
  /** It can answer with any of these instead of as it is. Left out: it has none. */
  adapters: v.optional(v.pipe(v.array(AdapterSchema), v.maxLength(MAX_ADAPTERS))),
  /** It fetches other adapters by SHA-256 on request, from where its owner said; they may be missing there. */
  fetchesAdapters: v.optional(v.boolean()),
  /** It takes adapters for such a model from whoever asks with them, on the link of the question. Left out: it takes none. */
  takesAdapters: v.optional(v.fallback(v.optional(AdapterBaseSchema), undefined)),
  embeds,
  /** It is out of memory, and takes about this long to load for a question. Left out: it is in memory. */
  wakesInMs: v.optional(v.pipe(count, v.maxValue(MAX_WAKING_MS))),
});
/** One model that a provider answers with now, or whatever else it uses for tasks of its kind. */
export const ModelAdvertSchema = v.pipe(
  PlainAdvertSchema,
  v.check(
    ({ embeds, task }) => (embeds !== undefined) === (task === EMBEDDING),
    'vectors are for the task "embedding"',
  ),
);
export type ModelAdvert = v.InferOutput<typeof ModelAdvertSchema>;

/** The kind of task that a model is offered for. */
export function taskOf({ task }: Pick<ModelAdvert, 'task'>): TaskName {
  return task ?? CHAT;
}

/** One model as the whole mesh offers it: all providers of the same file under the same name, for the same task. */
export const OfferSchema = v.object({
  ...described,
  /** The hash of the file, as its providers say; null: they do not say. Left out: the control plane does not say. */
  sha256: v.optional(v.nullable(sha256)),
  /** The id alone means another file: ask for this one with its SHA-256, see `offer-name.ts`. Left out: it does not. */
  alternative: v.optional(v.boolean()),
  /** It is in the mesh's catalogue under this id, with the same SHA-256 where the catalogue has one. */
  catalogued: v.optional(v.boolean()),
  /** Receipts signed by others prove what some of its providers delivered. */
  proven: v.optional(v.boolean()),
  providers: count,
  slots: count,
  busySlots: count,
  queued: count,
  /** The free slots that count in a choice: per provider no more than its record supports. Left out: not computed. */
  freeSlots: v.optional(count),
  /** The median of what the providers measured. */
  tokensPerSecond: v.nullable(positive),
  /** What 1,000 units of a plain task cost now, in micro-credits. Left out: nothing. */
  price: v.optional(count),
  /** The adapters of all its providers, the most common ones if there are too many. Left out: none. */
  adapters: v.optional(v.pipe(v.array(AdapterSchema), v.maxLength(MAX_ADAPTERS))),
  /** It has more adapters than these, or some of its providers fetch others. */
  moreAdapters: v.optional(v.boolean()),
  /** Some of its providers take adapters for such a model from whoever asks with them. Left out: none does. */
  takesAdapters: v.optional(v.fallback(v.optional(AdapterBaseSchema), undefined)),
  /** Those that any of its providers claims to have. Left out: none does, or the control plane does not say. */
  abilities,
  embeds,
});
export type Offer = v.InferOutput<typeof OfferSchema>;

/**
 * What a model can do beyond chatting. `schema`: it holds answers to a JSON schema. `completion`: it continues bare
 * text. `logprobs`: it tells how likely each token was. `penalties`: it repeats itself less. `tools`: it calls functions.
 * `thinking`: it thinks before it speaks, and can be told how long. `sampling`: it heeds `topK`, `minP` and `repeatPenalty`.
 * `logit_bias`: it makes single tokens likelier. `audit`: it checks what others answered with the same file.
 */
export const ABILITIES = [
  'schema',
  'completion',
  'logprobs',
  'penalties',
  'tools',
  'thinking',
  'sampling',
  'logit_bias',
  'audit',
] as const;

export type Ability = (typeof ABILITIES)[number];

/** The slots of one provider. More than MAX_SLOTS were once allowed, and count as MAX_SLOTS. */
export const slots = v.pipe(
  count,
  v.maxValue(1024),
  v.transform((all) => Math.min(all, MAX_SLOTS)),
);
