/** Brings the course of an answer to where others left it. */
import type { LlamaGrammar, LlamaModel, Token } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import type { Thinking } from '@llmesh/core/protocol';
import type { Syntax } from '@llmesh/core/syntax/syntaxes';
import type { FunctionForms } from '../../contained/function-forms.ts';
import type { GrammarTrial } from '../../contained/grammar-trial.ts';
import { AnswerCourse } from './answer-course.ts';
import { answerGrammar } from './answer-grammar.ts';
import type { AnswerPlan } from './answer-plan.ts';
import { tokenizeMarked } from './delivered-tokens.ts';

/** How an answer is written, and what there is of it. */
export interface Course {
  model: LlamaModel;
  plan: AnswerPlan;
  syntax: Syntax;
  marks: ReadonlyMap<string, Token>;
  thinking: Thinking | undefined;
  prompt: readonly Token[];
  delivered: readonly Token[];
}

/** Null: nothing holds the answer. Throws bad_schema, busy, or cancelled. */
export async function openCourse(
  { model, plan, syntax, marks, thinking, prompt, delivered }: Course,
  { trial, forms }: { trial: GrammarTrial; forms: FunctionForms },
  signal: AbortSignal,
): Promise<AnswerCourse | null> {
  const { own, schema } = plan;
  if (own === null && schema === null && !limitsThoughts(syntax, thinking)) return null;
  const tokenize = (text: string) => tokenizeMarked(model, text, marks);
  const call =
    own?.frame == null ? null : await callRules(trial, model, () => forms.calls(own.frame!, own.tools, signal), signal);
  const course = new AnswerCourse({ model, syntax, own, call, thinking, before: prompt, marks, tokenize });
  for (const token of delivered) course.took(token);
  if (schema !== null) {
    const said = syntax.thoughts === null ? delivered : tokenize(course.rest);
    course.form = await answerGrammar(trial, model, schema, said, signal);
  }
  return course;
}

/** Whether thoughts end where the model would have gone on. */
export function limitsThoughts(syntax: Syntax, thinking: Thinking | undefined): boolean {
  const thinks = syntax.thoughts !== null || syntax.calls === 'harmony';
  return thinking?.on === true && thinking.maxTokens !== undefined && thinks;
}

/** Null: llama.cpp cannot follow it, and calls are free. Throws busy or cancelled. */
async function callRules(
  trial: GrammarTrial,
  model: LlamaModel,
  grammar: () => Promise<string>,
  signal: AbortSignal,
): Promise<LlamaGrammar | null> {
  try {
    const text = await grammar();
    await trial.check(text, '', signal);
    return await model.llama.createGrammar({ grammar: text });
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code !== 'bad_schema') throw thrown;
    return null;
  }
}
