/**
 * Answers of this worker that are doctored on purpose, for auditors who are tested with them: the same model's words, drawn by other
 * chance than was agreed. Who only looks at them finds nothing. Only for requesters that this worker has let loose itself,
 * and the control plane knows before: see `signaling/src/audit/auditors/known-answers.ts`.
 */
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Finish, GenerateRequest, Piece } from '@llmesh/core/engine/engine';
import { DRAWS_BYTES } from '@llmesh/core/proof/seeds';

/** In place of the likeliest words: warm enough that some are others. */
const WARM = { temperature: 1, topK: 40, topP: 0.95 } as const;

type Generate = (request: GenerateRequest, signal: AbortSignal) => AsyncGenerator<Piece, Finish, undefined>;

export class DoctoredAnswers {
  readonly #requesters = new Set<PeerId>();

  /** What this requester asks from now on, is answered by other chance. Returns how to end that. */
  begin(requester: PeerId): () => void {
    this.#requesters.add(requester);
    return () => this.#requesters.delete(requester);
  }

  /** The same answers to everybody else. */
  watching(generate: Generate): Generate {
    return (request, signal) => {
      const { requester } = request;
      return generate(requester !== undefined && this.#requesters.has(requester) ? doctored(request) : request, signal);
    };
  }
}

function doctored(request: GenerateRequest): GenerateRequest {
  const { seed: _, ...sampling } = request.sampling;
  const draws = randomBytes(DRAWS_BYTES);
  return { ...request, draws, sampling: sampling.temperature === 0 ? { ...sampling, ...WARM } : sampling };
}
