/** What `chat` and `completion` share: turns in, words out, and any other provider can continue after them. */
import { tooDeep, JsonDepth, MAX_ANSWER_DEPTH } from '../base/json-depth.ts';
import type { MeshError } from '../base/errors.ts';
import type { Engine, GenerateRequest } from '../engine/engine.ts';
import { FollowedForm } from '../form/followed-form.ts';
import type { GrammarReader } from '../form/grammar-reader.ts';
import { schemaOf, type JsonSchema } from '../form/json-schema.ts';
import { unable } from '../policy/abilities.ts';
import { PLAIN } from '../policy/price.ts';
import type { Sampling, Turn } from '../protocol.ts';
import { CHAT, type Ability } from '../wire/model-advert.ts';
import { AnswerCheck } from './answer-check.ts';
import { mapped } from './mapped.ts';
import {
  AnswerInputSchema,
  AnswerPieceSchema,
  AnswerResultSchema,
  maxPromptTokens,
  readBytes,
  type AnswerInput,
  type AnswerPiece,
  type AnswerResult,
} from './answer-messages.ts';
import type { Ended, Job, TaskKind, Written } from './task-kind.ts';

/** The parsed schema of the answer; null: it is free. */
type Prepared = JsonSchema | null;
export type AnswerTask = TaskKind<AnswerInput, AnswerPiece, AnswerResult, Prepared>;

interface AnswerKind {
  name: 'chat' | 'completion';
  /** Abilities beyond those that the input asks for. */
  needs: readonly Ability[];
  fault: (turns: readonly Turn[]) => MeshError | null;
}

export function answerTask({ name, needs: always, fault }: AnswerKind): AnswerTask {
  return {
    name,
    offeredAs: CHAT,
    input: AnswerInputSchema,
    piece: AnswerPieceSchema,
    result: AnswerResultSchema,
    fault: ({ turns }) => fault(turns),
    needs: ({ schema, tools, logprobs, adapter, sampling }) => {
      const needs = [...always, ...samplingNeeds(sampling)];
      if (schema !== undefined) needs.push('schema');
      if (tools !== undefined) needs.push('tools');
      if (logprobs !== undefined) needs.push('logprobs');
      return { needs, ...(adapter !== undefined && { adapter }) };
    },
    complexity: () => PLAIN,
    maxInputUnits: maxPromptTokens,
    bytesToRead: (input, units) => (units === 0 ? readBytes(input) : 0),
    risk: ({ schema }) => schema ?? null,
    prepare: ({ schema, prefix }) => {
      if (schema === undefined) return null;
      const { deepest } = new JsonDepth().read(prefix?.text ?? '');
      return deepest > MAX_ANSWER_DEPTH ? tooDeep() : schemaOf(schema);
    },
    run: (engine, job, signal) => {
      if (!('generate' in engine)) throw unable({});
      return write(engine as Pick<Engine<never>, 'generate'>, name, job, signal);
    },
    check: (input) => new AnswerCheck(input, formOf(input)),
    rest: (input, come) => {
      const before = input.prefix ?? { text: '', tokens: 0, tokenIds: null };
      const tokens = come.reduce((sum, { units }) => sum + units, before.tokens);
      if (tokens === 0) return input;
      // Without ids: the next provider's vocabulary may be another one.
      const prefix = { text: before.text + come.map(({ piece }) => piece.text).join(''), tokens, tokenIds: null };
      return { ...input, prefix };
    },
    lighter: (input) =>
      input.prefix === null || input.prefix.tokenIds === null
        ? null
        : { ...input, prefix: { ...input.prefix, tokenIds: null } },
  };
}

/** What is left out, or changes nothing, every engine can do. All words without a `topK` is what most do anyway. */
function samplingNeeds({
  presencePenalty = 0,
  frequencyPenalty = 0,
  topK = 0,
  minP = 0,
  repeatPenalty = 1,
  logitBias = [],
}: Sampling): Ability[] {
  const needs: Ability[] = [];
  if (presencePenalty !== 0 || frequencyPenalty !== 0) needs.push('penalties');
  if (topK !== 0 || minP !== 0 || repeatPenalty !== 1) needs.push('sampling');
  if (logitBias.length > 0) needs.push('logit_bias');
  return needs;
}

function formOf({ schema, prefix }: AnswerInput): GrammarReader | null {
  return schema === undefined ? null : new FollowedForm(schema).behind(prefix?.text ?? '');
}

function write(
  engine: Pick<Engine<never>, 'generate'>,
  task: 'chat' | 'completion',
  { input, prepared, maxUnits, requester }: Job<AnswerInput, Prepared>,
  signal: AbortSignal,
): AsyncGenerator<Written<AnswerPiece>, Ended<AnswerResult>, undefined> {
  const { turns, sampling, adapter, logprobs, prefix, tools, thinking } = input;
  const request: GenerateRequest = {
    turns,
    task,
    sampling,
    maxTokens: maxUnits,
    requester,
    ...(prefix !== null && { prefix }),
    ...(prepared !== null && { schema: prepared }),
    ...(adapter !== undefined && { adapter }),
    ...(logprobs !== undefined && { logprobs }),
    ...(tools !== undefined && { tools }),
    ...(thinking !== undefined && { thinking }),
  };
  const depth = prepared === null ? null : new JsonDepth().read(prefix?.text ?? '');
  return mapped(
    engine.generate(request, signal),
    ({ tokens: units, text, tokenIds, logprobs: odds, promptTokens, syntax }) => {
      if (depth !== null && depth.read(text).deepest > MAX_ANSWER_DEPTH) throw tooDeep();
      // Undefined fields are not packed.
      return { units, piece: { text, tokenIds, logprobs: odds, promptTokens, syntax } };
    },
    ({ finish, promptTokens, completionTokens }) => ({
      result: { finish },
      inputUnits: promptTokens,
      units: completionTokens,
    }),
  );
}
