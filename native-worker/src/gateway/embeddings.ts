/** `POST /v1/embeddings`: texts as vectors that stand for their meaning. */
import type { CreateEmbeddingResponse, Embedding } from 'openai/resources/embeddings';
import type { Clock } from '@llmesh/core/base/clock';
import { FIRST_PIECE_MS } from '@llmesh/core/policy/patience';
import type { Offer } from '@llmesh/core/wire/model-advert';
import type { Embedded } from '@llmesh/core/ask/embedding-parts';
import { asMeshError, cancelled, MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import type { Mesh } from '@llmesh/core/mesh';
import { fileOf, offerName } from '@llmesh/core/policy/offer-name';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import { vectorBytes } from '@llmesh/core/wire/vector';
import { badRequest, unsupported } from './request/api-error.ts';
import { parseEmbeddingRequest, type EmbeddingRequest } from './request/embedding-request.ts';
import { quoteOf } from './answer/quote.ts';
import type { Line } from './answer/line.ts';
import type { Models } from './request/models.ts';
import { whoMayRead, type Circles } from './request/privacy.ts';

export interface EmbeddingsNeeds {
  mesh: Pick<Mesh, 'embed'>;
  line: Line;
  models: Models;
  circles: Circles;
  clock: Clock;
  /** Nobody is asked: the answer is what it would cost. */
  isDryRun: boolean;
  account: () => AccountNews | null;
}

type Readers = ReturnType<typeof whoMayRead>;

/** Throws an `ApiError` or a `MeshError`. `signal`: the client is gone, and the providers stop. */
export async function embeddings(body: unknown, needs: EmbeddingsNeeds, signal: AbortSignal): Promise<Response> {
  const request = parseEmbeddingRequest(body);
  const readers = whoMayRead(request, needs.circles);
  const offers = withDimensions(needs.models.choose(request.models, 'embedding'), request.dimensions);
  const [offer] = offers;
  if (needs.isDryRun && offer !== undefined)
    return Response.json(quoteOf({ offer, units: request.inputs.length }, needs.account()));
  const { model, embedded } = await firstOf(offers, request, readers, needs, signal);
  return new Response(inParts(wordsOf(embedded, model, request.encoding)), {
    headers: { 'content-type': 'application/json', 'x-llmesh-provider': embedded.providers.join(', ') },
  });
}

/** A shorter vector is not the beginning of a longer one, but for a few models, and no file says of which. */
function withDimensions(offers: readonly Offer[], dimensions: number | null): readonly Offer[] {
  const alike = offers.filter(({ embeds }) => dimensions === null || embeds === dimensions);
  const [first] = offers;
  if (alike.length > 0 || first === undefined) return alike;
  throw unsupported(
    'dimensions',
    `${offerName(first)} makes vectors of ${first.embeds} numbers. Say that, or leave it out.`,
  );
}

/** Tries the models in turn, and takes the first that gets all of it done. */
async function firstOf(
  offers: readonly Offer[],
  request: EmbeddingRequest,
  readers: Readers,
  needs: EmbeddingsNeeds,
  signal: AbortSignal,
): Promise<{ model: Offer; embedded: Embedded }> {
  const left = [...offers];
  for (;;) {
    const model = left.shift();
    if (model === undefined) throw new MeshError('unknown_model', 'Name a model.');
    try {
      return { model, embedded: await embedded(model, request, readers, needs, signal) };
    } catch (thrown) {
      if (signal.aborted) throw cancelled();
      const error = asMeshError(thrown, 'engine_failed', 'The vectors were not made. Ask again.');
      if (left.length === 0) throw aboutInput(error) ?? error;
    }
  }
}

async function embedded(
  offer: Offer,
  { inputs }: EmbeddingRequest,
  readers: Readers,
  { mesh, line, clock }: EmbeddingsNeeds,
  signal: AbortSignal,
): Promise<Embedded> {
  const late = new AbortController();
  const stopDeadline = clock.after(FIRST_PIECE_MS, () => late.abort());
  const turn = async (aborted: AbortSignal) => {
    const leave = await line.enter(aborted);
    return () => {
      stopDeadline();
      leave();
    };
  };
  try {
    return await mesh.embed(
      { model: offer.id, sha256: fileOf(offer), inputs, ...readers, turn },
      AbortSignal.any([signal, late.signal]),
    );
  } catch (thrown) {
    if (!late.signal.aborted) throw thrown;
    throw new MeshError('busy', 'No volunteer had time for these texts. Try another model, or again later.');
  } finally {
    stopDeadline();
  }
}

/** These errors are about the request itself, wherever in the mesh they were noticed. */
function aboutInput({ code, message }: MeshError): Error | null {
  const named = CODES[code];
  return named === undefined ? null : badRequest('input', message, named);
}

const CODES: Partial<Record<ErrorCode, string>> = {
  prompt_too_long: 'context_length_exceeded',
  empty_prompt: 'invalid_value',
};

type Data = Omit<Embedding, 'embedding'> & { embedding: number[] | string };

/** The JSON of one vector at a time: all at once would hold up everybody else, and may be too long for a string. */
function* wordsOf({ vectors, promptTokens }: Embedded, offer: Offer, encoding: EmbeddingRequest['encoding']) {
  yield '{"object":"list","data":[';
  for (const [index, vector] of vectors.entries()) {
    const embedding = encoding === 'float' ? [...vector] : Buffer.from(vectorBytes(vector)).toString('base64');
    const data: Data = { object: 'embedding', index, embedding };
    yield `${index === 0 ? '' : ','}${JSON.stringify(data)}`;
  }
  const rest: Pick<CreateEmbeddingResponse, 'model' | 'usage'> = {
    model: offerName(offer),
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
  yield `],${JSON.stringify(rest).slice(1)}`;
}

/** Sends no faster than the client reads. */
function inParts(words: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = words.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}
