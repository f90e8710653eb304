/** Vectors for any number of texts, as tasks of limited size, a few at once. No vector is lost or asked for twice. */
import { onAbort } from '../base/abort.ts';
import { MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';
import { MAX_PROMPT_BYTES } from '../protocol.ts';
import { bytesOf, embedding, type EmbeddingPiece } from '../tasks/embedding.ts';
import { readVector } from '../wire/vector.ts';
import type { RunEvent, RunRequest } from './running.ts';

/** Few enough that losing a provider costs little, and that others get their turn. */
export const MAX_TASK_INPUTS = 64;
const TASKS_AT_ONCE = 3;

export interface EmbedRequest extends Omit<RunRequest<never>, 'input' | 'maxUnits'> {
  /** Any number of texts, none of them blank. */
  inputs: readonly string[];
  /** Awaited before each task; its function is called, once or twice, when nobody has to wait for us any more. */
  turn?: (signal: AbortSignal) => Promise<() => void>;
}

export interface Embedded {
  /** The vectors in the order of the inputs, each of length one. */
  vectors: Float32Array[];
  /** The tokens as the providers count them. */
  promptTokens: number;
  /** The providers that made them, each once. */
  providers: PeerId[];
  /** What it cost, in micro-credits. */
  cost: number;
  /** Of the last part: micro-credits for 1,000 texts. */
  price: number;
}

type RunEmbedding = (
  texts: string[],
  signal: AbortSignal,
) => AsyncGenerator<RunEvent<EmbeddingPiece, unknown>, void, undefined>;

/** Throws empty_prompt, prompt_too_long, or the error of the first task that fails, which ends the others. */
export async function embedInParts(
  { inputs, turn }: EmbedRequest,
  runEmbedding: RunEmbedding,
  signal: AbortSignal,
): Promise<Embedded> {
  const parts = partsOf(inputs);
  for (const texts of parts) {
    const fault = embedding.fault({ texts });
    if (fault !== null) throw fault;
  }
  const abort = new AbortController();
  const stopAbort = onAbort(signal, () => abort.abort());
  const embedded: Embedded[] = [];
  const left = [...parts.entries()];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, texts] = next;
      const leave = (await turn?.(abort.signal)) ?? (() => {});
      try {
        embedded[at] = await embedPart(texts, runEmbedding, leave, abort.signal);
      } finally {
        leave();
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: TASKS_AT_ONCE }, work));
  } finally {
    stopAbort();
    abort.abort();
  }
  return joined(embedded);
}

/** `found`: a provider has been asked. */
async function embedPart(
  texts: string[],
  runEmbedding: RunEmbedding,
  found: () => void,
  signal: AbortSignal,
): Promise<Embedded> {
  const vectors: Float32Array[] = [];
  const providers = new Set<PeerId>();
  let promptTokens = 0;
  let [cost, price] = [0, 0];
  try {
    for await (const event of runEmbedding(texts, signal)) {
      if (event.type === 'provider') found();
      if (event.type === 'done') ({ cost, price } = event.bill);
      if (event.type !== 'piece') continue;
      const { piece, candidate } = event;
      // It passed the check of its kind: it is a vector of this model, and the next in order.
      const vector = readVector(piece.vector, candidate.model.embeds ?? 0);
      if (vector !== null) vectors.push(vector);
      providers.add(candidate.peerId);
      promptTokens += piece.promptTokens;
    }
  } catch (thrown) {
    // Only the provider's end message is missing.
    if (vectors.length < texts.length || signal.aborted) throw thrown;
  }
  return { vectors, promptTokens, providers: [...providers], cost, price };
}

/** Keeps their order. A text that is too long for any task gets a part of its own. */
export function partsOf(inputs: readonly string[]): string[][] {
  const parts: string[][] = [];
  let bytes = Infinity;
  for (const input of inputs) {
    const more = bytesOf([input]);
    const last = parts.at(-1);
    if (last === undefined || last.length === MAX_TASK_INPUTS || bytes + more > MAX_PROMPT_BYTES) {
      parts.push([input]);
      bytes = more;
    } else {
      last.push(input);
      bytes += more;
    }
  }
  return parts;
}

/** Vectors of two models cannot be compared, even if both go by the same name. */
function joined(embedded: readonly Embedded[]): Embedded {
  const vectors = embedded.flatMap((part) => part.vectors);
  if (vectors.some(({ length }) => length !== vectors[0]?.length)) {
    throw new MeshError(
      'bad_message',
      'Volunteers lend different models under this name. Choose one of them, or another model.',
    );
  }
  return {
    vectors,
    promptTokens: embedded.reduce((sum, part) => sum + part.promptTokens, 0),
    providers: [...new Set(embedded.flatMap((part) => part.providers))],
    cost: embedded.reduce((sum, part) => sum + part.cost, 0),
    price: embedded.at(-1)?.price ?? 0,
  };
}
