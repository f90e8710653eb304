/**
 * Reads an answer that was written elsewhere, and takes down the logits before each of its tokens. Where the model's library can tell
 * those of a whole piece of text, as for speculative decoding, it is read as a prompt is; elsewhere token by token.
 */
import { cancelled } from '@llmesh/core/base/errors';
import * as v from 'valibot';
import { numbersOf, type MlcPipeline, type Tensor } from './mlc-pipeline.ts';
import type { ScoreSheet } from './score-sheet.ts';
import { promptTooLong } from './web-llm-errors.ts';

/** Logits that are on the graphics card at once: 32 MiB of them. */
const MOST_LOGITS = 2 ** 23;
/** The name that MLC's compiler gives the function. */
const VERIFY = 'batch_verify';

/** More private fields of web-llm 0.2.86; where they are absent, the answer is read token by token. */
const VerifyingSchema = v.looseObject({
  prefillChunkSize: v.number(),
  params: v.looseObject({}),
  vm: v.looseObject({ getFunction: v.function() }),
  resolvedModelABI: v.looseObject({ kvStateKind: v.literal('kv_cache') }),
  getSingleStateForABI: v.function(),
  invokePrefill: v.function(),
  embedAndForward: v.function(),
});

interface Verifying {
  readonly prefillChunkSize: number;
  readonly params: object;
  readonly vm: { getFunction(name: string): unknown };
  getSingleStateForABI(): object;
  /** What comes of a piece of text: its logits and the state. */
  invokePrefill(vectors: object, length: number): unknown;
  embedAndForward(pieces: readonly (readonly number[])[], length: number): Promise<Tensor>;
}

/** `prompt` and `answer`: ids. Whatever web-llm had kept of a conversation is gone afterwards. Throws prompt_too_long. */
export async function readAnswer(
  pipeline: MlcPipeline,
  prompt: readonly number[],
  answer: readonly number[],
  sheet: ScoreSheet,
  signal: AbortSignal,
): Promise<void> {
  const { contextWindowSize } = pipeline;
  if (contextWindowSize !== -1 && prompt.length + answer.length > contextWindowSize) throw promptTooLong();
  const [first, ...rest] = answer;
  if (first === undefined) return;
  const read = readerOf(pipeline) ?? tokenByToken(pipeline);
  pipeline.resetChat();
  try {
    sheet.add(await taken(pipeline, pipeline.forwardKnownTokens(prompt, true)), first);
    for (let at = 0; at < rest.length;) {
      if (signal.aborted) throw cancelled();
      // Of each token that is read, the logits are for the one behind it.
      const rows = await read(answer.slice(at, -1));
      for (const row of rows) sheet.add(row, rest[at++] ?? 0);
    }
    if (signal.aborted) throw cancelled();
  } finally {
    pipeline.resetChat();
  }
}

/** Reads the beginning of these tokens, and returns a row of logits for each that it read: at least one. */
type Reader = (tokens: readonly number[]) => Promise<Float32Array[]>;

function tokenByToken(pipeline: MlcPipeline): Reader {
  return async ([token = 0]) => [await taken(pipeline, pipeline.forwardDecodeToken(token))];
}

/** Null: this library has no such function. */
function readerOf(pipeline: MlcPipeline): Reader | null {
  const found: unknown = pipeline;
  if (!v.is(VerifyingSchema, found)) return null;
  const inner = found as unknown as Verifying;
  const verify = functionOf(inner);
  if (verify === null) return null;
  const most = Math.min(inner.prefillChunkSize, Math.max(Math.floor(MOST_LOGITS / pipeline.fullVocabSize), 1));
  return async (tokens) => {
    const piece = tokens.slice(0, most);
    const row = pipeline.fullVocabSize;
    const logits = await taken(pipeline, verified(pipeline, inner, verify, piece));
    return piece.map((_, i) => logits.subarray(i * row, (i + 1) * row));
  };
}

type Verify = (vectors: object, state: object, params: object) => unknown;

function functionOf({ vm }: Verifying): Verify | null {
  try {
    const found = vm.getFunction(VERIFY);
    return typeof found === 'function' ? (found as Verify) : null;
  } catch {
    // TVM throws where a library lacks a function, and says so in words only.
    return null;
  }
}

/** web-llm's own way to read a piece of text, with another function of the library in its middle. */
async function verified(
  { tvm }: MlcPipeline,
  inner: Verifying,
  verify: Verify,
  piece: readonly number[],
): Promise<Tensor> {
  const usual = inner.invokePrefill;
  inner.invokePrefill = (vectors) => verify(vectors, inner.getSingleStateForABI(), inner.params);
  tvm.beginScope();
  try {
    return tvm.detachFromCurrentScope(await inner.embedAndForward([piece], piece.length));
  } finally {
    tvm.endScope();
    inner.invokePrefill = usual;
  }
}

async function taken(pipeline: MlcPipeline, logits: Promise<Tensor>): Promise<Float32Array> {
  const onCard = await logits;
  try {
    return await numbersOf(pipeline, onCard);
  } finally {
    onCard.dispose();
  }
}
