/** How long a model thinks before it speaks. Each server has a word of its own for it; here all of them mean one thing. */
import * as v from 'valibot';
import type { Thinking } from '@llmesh/core/protocol';
import { badRequest, unsupported } from './api-error.ts';
import { checked } from './checked.ts';
import { MAX_ANSWER_TOKENS } from './max-tokens.ts';

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
const effort = v.picklist(EFFORTS, `It is one of ${EFFORTS.map((one) => `"${one}"`).join(', ')}.`);
const budget = v.pipe(
  v.number(),
  v.check((tokens) => Number.isInteger(tokens) && tokens >= -1, 'It is a whole number of tokens; -1: no limit.'),
);
const onOrOff = v.boolean();
const may = <T extends v.GenericSchema>(schema: T) => v.optional(v.nullable(schema));

export const THINKING = {
  /** OpenAI's. */
  reasoning_effort: v.optional(effort),
  /** OpenRouter's, and that of OpenAI's other API. A summary would be of thoughts that are given out whole here. */
  reasoning: v.optional(
    v.strictObject({
      effort: may(effort),
      max_tokens: may(budget),
      enabled: may(onOrOff),
      exclude: may(v.literal(false, 'Thoughts come with the answer. Leave "exclude" out, and do not show them.')),
      summary: may(v.string()),
      generate_summary: may(v.string()),
    }),
  ),
  /** Those of servers that hand them to the model's template. */
  chat_template_kwargs: v.optional(v.record(v.string(), v.unknown())),
  enable_thinking: v.optional(onOrOff),
  thinking_budget: v.optional(budget),
  /** Ollama's. */
  think: v.optional(v.union([onOrOff, effort], 'It is true, false, or an effort such as "low".')),
  /** Anthropic's, and that of the makers of several models. */
  thinking: v.optional(
    v.union(
      [
        onOrOff,
        v.strictObject({
          type: v.picklist(['enabled', 'disabled', 'adaptive', 'auto']),
          budget_tokens: may(budget),
          display: may(v.string()),
        }),
      ],
      'It is true, false, or {"type":"enabled","budget_tokens":…}; its type may be "disabled".',
    ),
  ),
};

type ThinkingRequest = v.InferOutput<ReturnType<typeof v.object<typeof THINKING, undefined>>>;

/** The parameters of templates that are about thinking. All others mean something to one template alone. */
const TemplateSchema = v.object({
  enable_thinking: may(onOrOff),
  thinking: may(onOrOff),
  thinking_budget: may(budget),
  reasoning_effort: may(effort),
});

/** What one field says; null or left out: nothing. */
interface Wanted {
  param: string;
  on?: boolean | null | undefined;
  effort?: (typeof EFFORTS)[number] | null | undefined;
  maxTokens?: number | null | undefined;
}

/** Null: as the model is made. Throws an `ApiError` where two fields contradict each other. */
export function thinkingOf(request: ThinkingRequest): Thinking | null {
  const thinking: Partial<Thinking> = {};
  for (const { param, on, effort: wanted, maxTokens } of wishes(request)) {
    const told: Partial<Thinking> = {
      ...(typeof maxTokens === 'number' && budgetOf(maxTokens)),
      ...(typeof wanted === 'string' && effortOf(wanted)),
      ...(typeof on === 'boolean' && { on }),
    };
    for (const key of ['on', 'effort', 'maxTokens'] as const) {
      if (told[key] === undefined || thinking[key] === undefined || told[key] === thinking[key]) continue;
      throw badRequest(param, `"${param}" says something else about thinking than the fields before it. Say it once.`);
    }
    Object.assign(thinking, told);
  }
  const { on, effort: chosen, maxTokens } = thinking;
  if (on === undefined && chosen === undefined && maxTokens === undefined) return null;
  if (on === false) return { on };
  return { on: true, ...(chosen !== undefined && { effort: chosen }), ...(maxTokens !== undefined && { maxTokens }) };
}

function wishes(request: ThinkingRequest): Wanted[] {
  const { reasoning_effort, reasoning, enable_thinking, thinking_budget, think, thinking } = request;
  const template = templateOf(request.chat_template_kwargs ?? {});
  const typed = typeof thinking === 'object' ? thinking : null;
  return [
    { param: 'reasoning_effort', effort: reasoning_effort },
    { param: 'reasoning', on: reasoning?.enabled, effort: reasoning?.effort, maxTokens: reasoning?.max_tokens },
    {
      param: 'chat_template_kwargs',
      on: template.enable_thinking ?? template.thinking,
      effort: template.reasoning_effort,
      maxTokens: template.thinking_budget,
    },
    { param: 'enable_thinking', on: enable_thinking, maxTokens: thinking_budget },
    typeof think === 'string' ? { param: 'think', effort: think } : { param: 'think', on: think },
    typed === null
      ? { param: 'thinking', on: thinking as boolean | undefined }
      : { param: 'thinking', on: TYPES[typed.type], maxTokens: typed.budget_tokens },
  ];
}

/** A model that decides itself is left as it is made. */
const TYPES = { enabled: true, disabled: false, adaptive: null, auto: null } as const;

function templateOf(values: Record<string, unknown>): v.InferOutput<typeof TemplateSchema> {
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(TemplateSchema.entries, name)) continue;
    const message = `Templates differ from model to model, and "${name.slice(0, 64)}" is not handed on. Leave it out.`;
    throw unsupported(`chat_template_kwargs.${name}`, message);
  }
  return checked(TemplateSchema, values, 'chat_template_kwargs');
}

/** No model knows more than "xhigh". */
function effortOf(wanted: (typeof EFFORTS)[number]): Partial<Thinking> {
  return wanted === 'none' ? { on: false } : { on: true, effort: wanted === 'max' ? 'xhigh' : wanted };
}

/** No tokens for thoughts: it does not think. Some programs send a number also where they turn thinking off. */
function budgetOf(tokens: number): Partial<Thinking> {
  if (tokens === -1) return {};
  return tokens === 0 ? { on: false } : { maxTokens: Math.min(tokens, MAX_ANSWER_TOKENS) };
}
