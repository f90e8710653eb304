/** Any number of texts as tasks of a bounded size, a few at once. */
import { onAbort } from '../base/abort.ts';
import { turnsOf, type Embedded, type EmbedRequest } from './embedding.ts';
import { MeshError } from '../base/errors.ts';
import { MAX_PROMPT_BYTES } from '../protocol.ts';
import { promptBytes, turnsFault } from '../wire/turns.ts';

/** So few that a provider that is lost costs little, and that others get their turn. */
export const MAX_TASK_INPUTS = 64;
const TASKS_AT_ONCE = 3;

/** Throws empty_prompt, prompt_too_long, or what `embedOne` rejects with first, which ends the others. */
export async function embedInParts(
  request: EmbedRequest,
  embedOne: (part: EmbedRequest, signal: AbortSignal) => Promise<Embedded>,
  signal: AbortSignal,
): Promise<Embedded> {
  const parts = partsOf(request.inputs);
  for (const part of parts) {
    const fault = turnsFault(turnsOf(part), 'embedding');
    if (fault !== null) throw fault;
  }
  const abort = new AbortController();
  const stopAbort = onAbort(signal, () => abort.abort());
  const embedded: Embedded[] = [];
  const left = [...parts.entries()];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, inputs] = next;
      embedded[at] = await embedOne({ ...request, inputs }, abort.signal);
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

/** In their order. One that is too long for any task is alone in its own. */
export function partsOf(inputs: readonly string[]): string[][] {
  const parts: string[][] = [];
  let bytes = Infinity;
  for (const input of inputs) {
    const more = promptBytes(turnsOf([input]));
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

/** Vectors of two models stand for nothing together, whatever name both go by. */
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
  };
}
