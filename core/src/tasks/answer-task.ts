/** What `chat` and `completion` share: turns in, words out, and any other provider can continue after them. */
import { tooDeep } from '../base/json-depth.ts';
import { asMeshError, MeshError } from '../base/errors.ts';
import type { ContentId } from '../base/ids.ts';
import type { Engine, GenerateRequest } from '../engine/engine.ts';
import { schemaOf, type JsonSchema } from '../form/json-schema.ts';
import { unable } from '../policy/abilities.ts';
import { PLAIN } from '../policy/price.ts';
import { seededDraws } from '../proof/seeds.ts';
import type { Sampling, Tools, Turn } from '../protocol.ts';
import { toolsOf } from '../syntax/tools.ts';
import { CHAT, type Ability } from '../wire/model-advert.ts';
import { AnswerCheck } from './answer-check.ts';
import { SpokenDepth } from './spoken-depth.ts';
import { FollowedAnswer } from './followed-answer.ts';
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
import type { Ended, Job, Risk, TaskKind, Written } from './task-kind.ts';

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
    drawn: true,
    input: AnswerInputSchema,
    piece: AnswerPieceSchema,
    result: AnswerResultSchema,
    fault: ({ turns, adapter, brings }) => (brings !== undefined && adapter === undefined ? namesNone() : fault(turns)),
    needs: ({ schema, tools, logprobs, adapter, brings, sampling }) => {
      const needs = [...always, ...samplingNeeds(sampling)];
      if (schema !== undefined) needs.push('schema');
      if (tools !== undefined) needs.push('tools');
      if (logprobs !== undefined) needs.push('logprobs');
      return {
        needs,
        ...(adapter !== undefined && { adapter }),
        ...(brings !== undefined && { bringsAdapter: true }),
      };
    },
    brings: ({ adapter, brings }) =>
      adapter === undefined || brings === undefined ? null : { sha256: adapter, content: brings as ContentId },
    complexity: () => PLAIN,
    maxInputUnits: maxPromptTokens,
    bytesToRead: (input, units) => (units === 0 ? readBytes(input) : 0),
    risk: riskOf,
    prepare: ({ schema, tools, prefix }) => {
      const unread = tools === undefined ? null : toolsFault(tools);
      if (unread !== null) return unread;
      if (schema === undefined) return null;
      const spoken = new SpokenDepth(prefix === null ? null : { text: prefix.text, syntax: prefix.syntax ?? null });
      return spoken.isTooDeep ? tooDeep() : schemaOf(schema);
    },
    run: (engine, job, signal) => {
      if (!('generate' in engine)) throw unable({});
      return write(engine as Pick<Engine<never>, 'generate'>, name, job, signal);
    },
    check: (input) => new AnswerCheck(input, new FollowedAnswer(input)),
    rest: (input, come) => {
      const before = input.prefix ?? { text: '', tokens: 0, tokenIds: null };
      const tokens = come.reduce((sum, { units }) => sum + units, before.tokens);
      if (tokens === 0) return input;
      // Without ids: the next provider's vocabulary may be another one.
      const text = before.text + come.map(({ piece }) => piece.text).join('');
      const syntax = input.prefix === null ? (come[0]?.piece.syntax ?? null) : input.prefix.syntax;
      const prefix = { text, tokens, tokenIds: null, ...(syntax !== undefined && { syntax }) };
      return { ...input, prefix };
    },
    lighter: (input) =>
      input.prefix === null || input.prefix.tokenIds === null
        ? null
        : { ...input, prefix: { ...input.prefix, tokenIds: null } },
  };
}

function namesNone(): MeshError {
  return new MeshError(
    'bad_message',
    'An adapter is given, but none is named. Name it by the SHA-256 of its file, too.',
  );
}

/** Null: the list can be read. */
function toolsFault(tools: Tools): MeshError | null {
  try {
    toolsOf(tools);
    return null;
  } catch (thrown) {
    return asMeshError(thrown, 'bad_schema', 'The functions cannot be read.');
  }
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

/** The same for whoever writes an answer and for whoever checks it. */
export function generateRequest(
  task: 'chat' | 'completion',
  { input, prepared, maxUnits, requester, draws }: Omit<Job<AnswerInput, Prepared>, 'offered'>,
): GenerateRequest {
  const { turns, sampling, schema, adapter, logprobs, prefix, tools, thinking } = input;
  // Who names a seed gets the same words from anybody.
  const drawn = sampling.seed === undefined ? draws : seededDraws(sampling.seed);
  return {
    turns,
    task,
    sampling,
    maxTokens: maxUnits,
    requester,
    ...(prefix !== null && { prefix }),
    ...(prepared !== null && tools === undefined && { schema: prepared }),
    ...(adapter !== undefined && { adapter }),
    ...(logprobs !== undefined && { logprobs }),
    ...(tools !== undefined && { tools: { ...tools, ...(schema !== undefined && { said: schema }) } }),
    ...(thinking !== undefined && { thinking }),
    ...(drawn !== null && { draws: drawn }),
  };
}

function write(
  engine: Pick<Engine<never>, 'generate'>,
  task: 'chat' | 'completion',
  job: Job<AnswerInput, Prepared>,
  signal: AbortSignal,
): AsyncGenerator<Written<AnswerPiece>, Ended<AnswerResult>, undefined> {
  const { input, prepared } = job;
  const { tools, prefix } = input;
  const request = generateRequest(task, job);
  const depth = prepared === null && tools === undefined ? null : new SpokenDepth(prefix);
  return mapped(
    engine.generate(request, signal),
    ({ tokens: units, text, tokenIds, logprobs: odds, promptTokens, syntax }) => {
      if (depth?.read(text, syntax).isTooDeep === true) throw tooDeep();
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

/** Grammars are compiled by native code; and a high temperature or a bias makes models write bytes that are no text, over which some engines break. */
function riskOf({ schema, tools, sampling }: AnswerInput): Risk | null {
  if (schema !== undefined || tools !== undefined) {
    return { of: `${schema ?? ''}${tools?.list ?? ''}`, refusal: harmfulSchema };
  }
  const isWild = (sampling.temperature ?? 0) > PLAIN_TEMPERATURE || sampling.logitBias !== undefined;
  return isWild ? { of: 'sampling', refusal: harmfulSampling } : null;
}
const PLAIN_TEMPERATURE = 1;

function harmfulSchema(): MeshError {
  return new MeshError('bad_schema', "This JSON schema crashed the volunteer's engine a while ago. Make it simpler.");
}

function harmfulSampling(): MeshError {
  return new MeshError(
    'unsupported',
    `The volunteer's engine crashed over answers that were drawn as wildly. Ask for a temperature of ${PLAIN_TEMPERATURE} or less and no bias.`,
  );
}
