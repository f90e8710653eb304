/** A question as this model reads it, with what there is of its answer: the same for the one who writes and for the one who checks. */
import type { Token } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { marksOf, syntaxName, type Syntax } from '@llmesh/core/syntax/syntaxes';
import type { FunctionForms } from '../../contained/function-forms.ts';
import { planAnswer, syntaxAfter, type AnswerPlan } from './answer-plan.ts';
import { deliveredTokens, type Delivered } from './delivered-tokens.ts';
import { promptTokens, type PromptReader } from './prompt-tokens.ts';
import { markTokens } from './token-text.ts';

const NOTHING: Delivered = { tokens: [], known: true };

export interface Asked {
  plan: AnswerPlan;
  syntax: Syntax;
  /** Special tokens that are a part of the text, by their text. */
  marks: ReadonlyMap<string, Token>;
  prompt: Token[];
  /** See `Prompt`. */
  open: number;
  delivered: Delivered;
  /** All of it: what the next token follows. */
  before: Token[];
  /** How many tokens of the whole answer came before this run. */
  first: number;
}

/** `leastAnswer`: tokens that must be left. Throws prompt_too_long, bad_schema, unsupported, busy, or what `check` throws. */
export async function readAsked(
  reader: PromptReader,
  request: GenerateRequest,
  leastAnswer: number,
  { forms, waits, check }: { forms: FunctionForms; waits: AbortSignal; check: () => void },
): Promise<Asked> {
  const { model, chat } = reader;
  const plan = await planAnswer(chat.traits, request, (tools, said) => forms.generic(tools, said, waits));
  check();
  const isBare = request.task === 'completion';
  const { text, tokens: prompt, open } = await promptTokens(reader, plan.conversation, isBare, leastAnswer, check);
  const syntax = syntaxAfter(text, chat.traits, plan);
  const marks = markTokens(model, marksOf(syntax));
  const { prefix } = request;
  if (prefix?.syntax !== undefined && prefix.syntax !== (syntaxName(syntax) ?? null)) throw otherSyntax();
  const delivered = prefix === undefined ? NOTHING : await deliveredTokens(reader, prompt, prefix, marks, check);
  const before = [...prompt, ...delivered.tokens];
  return { plan, syntax, marks, prompt, open, delivered, before, first: prefix?.tokens ?? 0 };
}

function otherSyntax(): MeshError {
  return new MeshError('unsupported', 'This volunteer writes answers in another way, and cannot continue this one.');
}
