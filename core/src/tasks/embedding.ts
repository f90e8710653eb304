/** Texts, each turned into a vector that represents its meaning. A unit is a text with its vector. */
import * as v from 'valibot';
import { MeshError } from '../base/errors.ts';
import type { Embedder } from '../engine/engine.ts';
import { unable } from '../policy/abilities.ts';
import { PLAIN } from '../policy/price.ts';
import { MAX_PROMPT_BYTES, MAX_TURNS } from '../protocol.ts';
import { MAX_VECTOR_NUMBERS, bytes, count, text } from '../wire/fields.ts';
import { EMBEDDING } from '../wire/model-advert.ts';
import { readVector, vectorBytes } from '../wire/vector.ts';
import { mapped } from './mapped.ts';
import type { Ended, Job, TaskKind, Written } from './task-kind.ts';

/** The most tokens that models put around a text. */
const MARK_TOKENS = 64;

const EmbeddingInputSchema = v.object({
  texts: v.pipe(v.array(text(MAX_PROMPT_BYTES)), v.minLength(1), v.maxLength(MAX_TURNS)),
});
export type EmbeddingInput = v.InferOutput<typeof EmbeddingInputSchema>;

const EmbeddingPieceSchema = v.object({
  /** float32, little-endian (`vector.ts`). */
  vector: bytes(4 * MAX_VECTOR_NUMBERS),
  /** The tokens of its text. */
  promptTokens: count,
});
export type EmbeddingPiece = v.InferOutput<typeof EmbeddingPieceSchema>;

/** Empty: the vectors are the whole result. */
const EmbeddingResultSchema = v.object({});
type EmbeddingResult = Record<string, never>;

export const embedding: TaskKind<EmbeddingInput, EmbeddingPiece, EmbeddingResult, null> = {
  name: EMBEDDING,
  offeredAs: EMBEDDING,
  input: EmbeddingInputSchema,
  piece: EmbeddingPieceSchema,
  result: EmbeddingResultSchema,
  fault: ({ texts }) => {
    if (texts.some((one) => one.trim() === '')) {
      return new MeshError('empty_prompt', 'An empty text has no vector. Leave it out.');
    }
    if (texts.length <= MAX_TURNS && bytesOf(texts) <= MAX_PROMPT_BYTES) return null;
    return new MeshError('prompt_too_long', 'This text is too long to send. Split it.');
  },
  needs: () => ({}),
  complexity: () => PLAIN,
  // No model makes more tokens from a text than it has bytes.
  maxInputUnits: ({ texts }) => bytesOf(texts) + MARK_TOKENS * texts.length,
  bytesToRead: ({ texts }, units) => {
    const next = texts[units];
    return next === undefined ? 0 : bytesOf([next]);
  },
  risk: () => null,
  prepare: () => null,
  run: (engine, job, signal) => {
    if (!('embed' in engine)) throw unable({ task: EMBEDDING });
    return embed(engine as Pick<Embedder<never>, 'embed'>, job, signal);
  },
  check: ({ texts }, { embeds = 0 }) => {
    let done = 0;
    return {
      piece: ({ piece: { vector, promptTokens }, units }) => {
        const read = texts[done];
        done += units;
        if (units !== 1 || read === undefined || readVector(vector, embeds) === null) {
          throw new MeshError('bad_message', 'The volunteer sent something other than the vector of a text.');
        }
        if (promptTokens > bytesOf([read]) + MARK_TOKENS) {
          throw new MeshError('bad_message', 'The volunteer counted more tokens than the text can hold.');
        }
      },
      end: () => {
        if (done < texts.length) throw new MeshError('bad_message', 'The volunteer left out some of the vectors.');
      },
    };
  },
  rest: ({ texts }, come) => ({ texts: texts.slice(come.length) }),
  lighter: () => null,
};

function embed(
  embedder: Pick<Embedder<never>, 'embed'>,
  { input, maxUnits }: Job<EmbeddingInput, null>,
  signal: AbortSignal,
): AsyncGenerator<Written<EmbeddingPiece>, Ended<EmbeddingResult>, undefined> {
  const texts = input.texts.slice(0, maxUnits);
  let inputUnits = 0;
  return mapped(
    embedder.embed(texts, signal),
    ({ vector, promptTokens }) => {
      inputUnits += promptTokens;
      return { piece: { vector: vectorBytes(vector), promptTokens }, units: 1 };
    },
    () => ({ result: {}, inputUnits, units: texts.length }),
  );
}

export function bytesOf(texts: readonly string[]): number {
  const encoder = new TextEncoder();
  return texts.reduce((sum, one) => sum + encoder.encode(one).byteLength, 0);
}
