/** An answer, from the question as it was asked to its last piece. */
import type { Token } from 'node-llama-cpp';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { Finish, GenerateRequest, Piece } from '@llmesh/core/engine/engine';
import type { RecommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import { syntaxName } from '@llmesh/core/syntax/syntaxes';
import type { Adapters } from './adapters.ts';
import { AnswerClosing } from './answer/answer-closing.ts';
import { steered } from './answer/answer-course.ts';
import { AnswerPieces, noting, type Step } from './answer/answer-pieces.ts';
import { readAsked } from './answer/asked.ts';
import { openCourse } from './answer/open-course.ts';
import type { PromptReader } from './answer/prompt-tokens.ts';
import { readAhead } from './answer/read-ahead.ts';
import { toldAnswer } from './answer/told-answer.ts';
import { contained } from '../contained/contained.ts';
import { FunctionForms } from '../contained/function-forms.ts';
import { GrammarTrial } from '../contained/grammar-trial.ts';
import type { Reading } from './context/answer-sequence.ts';
import type { ModelContext } from './context/model-context.ts';
import type { Draft } from './draft/draft.ts';
import { AnswerDraws, drawsFor } from './sampling/draws.ts';
import { evaluateOptions, tokenBiasOf } from './sampling/evaluate-options.ts';
import { seedSteps } from './sampling/step-seeds.ts';

/** A question that leaves less than this for the answer is refused. */
const MIN_ANSWER_TOKENS = 32;
/** The length of an answer that comes out the same each time, where it is left to us: a slow computer takes three seconds to write that much again. */
const MAX_REPLAY_TOKENS = 64;
/** A verdict on a grammar holds for every model. */
const GRAMMARS = new GrammarTrial(contained.llama);
export const FUNCTIONS = new FunctionForms(contained.llama);

/** A model that chats. */
export interface ChatModel extends PromptReader {
  /** The context of the model as it is. */
  context: ModelContext;
  adapters: Adapters;
  draft: Draft | null;
  defaults: RecommendedSampling;
}

export interface Writing {
  /** The answers under way, including those with adapters. */
  writing: { answers: number };
  /** Aborts when nobody waits any more. */
  waits: AbortSignal;
  /** Throws when nobody waits any more. */
  check: () => void;
  /** Called when a step failed: `forget` empties the sequence. Throws cancelled where the engine was closed. */
  recover: (forget: () => Promise<void>, failure: unknown) => Promise<void>;
}

/** llama.cpp takes other tokens in the place of the last. */
type Steps = AsyncGenerator<Step, void, Token[] | undefined>;

/** See `Engine.generate`. */
export async function* writtenAnswer(
  loaded: ChatModel,
  request: GenerateRequest,
  { writing, waits, check, recover }: Writing,
): AsyncGenerator<Piece, Finish, undefined> {
  const bias = tokenBiasOf(loaded.model, request.sampling);
  const leastAnswer = Math.min(request.maxTokens, MIN_ANSWER_TOKENS);
  const asked = await readAsked(loaded, request, leastAnswer, { forms: FUNCTIONS, waits, check });
  const { plan, syntax, marks, prompt, open, delivered, before } = asked;
  const { prefix, sampling, logprobs = null } = request;
  const left = loaded.contextTokens - before.length;
  if (left === 0) return { finish: 'length', promptTokens: prompt.length, completionTokens: 0 };
  const maxTokens = Math.min(request.maxTokens, left);
  const greedy = (sampling.temperature ?? loaded.defaults.temperature) === 0;
  const repeats = greedy || sampling.seed !== undefined;
  const replay = prefix?.replay ?? (repeats && delivered.known && delivered.tokens.length <= MAX_REPLAY_TOKENS);
  const exact = repeats || replay;
  const reading: Reading = { tokens: before, requester: request.requester ?? null, open, exact };

  // A token that the model did not choose has no odds to tell.
  const closing =
    plan.schema === null || logprobs !== null
      ? null
      : await AnswerClosing.after(
          { model: loaded.model, schema: plan.schema, syntax },
          prefix?.text ?? '',
          before,
          check,
        );
  if (prefix === undefined) closing?.checkRoom(maxTokens);
  const thinking = closing?.inTime(request.thinking, maxTokens) ?? request.thinking;
  const course = await openCourse(
    { model: loaded.model, plan, syntax, marks, thinking, prompt, delivered: delivered.tokens },
    { trial: GRAMMARS, forms: FUNCTIONS },
    waits,
  );
  const { sequence, end } = await (request.adapter === undefined
    ? loaded.context.hold(reading, waits)
    : loaded.adapters.sit(request.adapter, reading, waits));
  const pieces = new AnswerPieces(loaded.model, before, prompt.length, logprobs, {
    syntax: syntaxName(syntax),
    marks: new Set(marks.values()),
  });
  writing.answers += 1;
  try {
    const rest = replay
      ? await sequence.replay({ ...reading, tokens: prompt }, delivered.tokens, check)
      : await sequence.prefill(reading, check);
    const answered = [...delivered.tokens];
    const first = asked.first - answered.length;
    const { seed } = new AnswerDraws(drawsFor(request), first, answered);
    seedSteps(sequence.llama, seed);
    const options = {
      ...evaluateOptions(sampling, loaded.defaults, bias, sequence.index, answered, answered.length + maxTokens),
      ...(course !== null && { grammarEvaluationState: course.grammar, yieldEogToken: true }),
    };
    // A draft knows the model as it is, cannot tell how likely a word was, and takes no word back.
    const draft = request.adapter === undefined && logprobs === null && course === null ? loaded.draft : null;
    // Either iteration ends on its own at a token that ends the answer.
    const evaluated =
      draft?.write({ sequence, reading, options, seed, maxTokens, check, answers: () => writing.answers }, rest) ??
      sequence.llama.evaluateWithMetadata(rest, { probabilities: logprobs !== null }, options);
    const written = course === null ? noting(evaluated, answered) : steered(evaluated as Steps, course, answered);
    const steps = readAhead(written, maxTokens, (run) => sequence.step(run));
    return { promptTokens: prompt.length, ...(yield* toldAnswer({ steps, pieces, closing, maxTokens, check })) };
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    await recover(() => sequence.forget(), thrown);
    throw asMeshError(
      thrown,
      'engine_failed',
      'llama.cpp failed at this answer. Try again; a shorter question may help.',
    );
  } finally {
    writing.answers -= 1;
    end();
  }
}
