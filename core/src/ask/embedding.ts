/**
 * Texts on their way to their vectors, in one task. When a provider fails or leaves, the next one gets the texts that are
 * missing: no vector is lost, and none is asked for twice.
 */
import { onAbort } from '../base/abort.ts';
import { AtWork } from './at-work.ts';
import { Attempt, type AttemptEvent, type AttemptNeeds } from './attempt.ts';
import type { Breakers } from './patience/breaker.ts';
import { DeliveredAnswer } from './delivered-answer.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import type { ModelId, PeerId } from '../base/ids.ts';
import type { TaskChunk, Turn } from '../protocol.ts';
import { nobodyFor } from './provider-failure.ts';
import { AsyncQueue } from '../base/queue.ts';
import type { Shortlist } from './shortlist.ts';
import { readVector } from '../wire/vector.ts';
import type { Leased } from '../wire/candidate.ts';
import { isWorthAnother } from '../policy/error-meaning.ts';
import { promptBytes } from '../wire/turns.ts';

/** Providers that fail in a row, without a vector between them. */
const MAX_FAILURES = 4;
/** Until the first vector: others may come before us, and the model may have to be loaded. */
const FIRST_MS = 300_000;
/** Until the next one, and for each byte of its text: slow computers read five tokens a second, of four bytes or so. */
const NEXT_MS = 30_000;
const MS_PER_BYTE = 50;
/** For the receipt, when all vectors are there. */
const LAST_WORD_MS = 5_000;
/** What models put around a text, at most. */
const MARK_TOKENS = 64;
/** A vector goes on from nothing: any provider can make it. */
const NOTHING = new DeliveredAnswer();

export interface EmbedRequest {
  model: ModelId;
  /** Its file, by the SHA-256; null: one that is not named. Left out: the one that the id means. */
  sha256?: string | null | undefined;
  /** Any number, none of them blank. */
  inputs: readonly string[];
  /** Who may read them: no one but these; null: anyone. */
  only: readonly PeerId[] | null;
  /** Who may not in any case, at most 32. Left out: anyone may. */
  exclude?: readonly PeerId[];
  /** Waited for before each task; what it resolves with is called, once or twice, when nobody else has to wait for it. */
  turn?: (signal: AbortSignal) => Promise<() => void>;
}

export interface Embedded {
  /** In the order of the inputs, of length one each. */
  vectors: Float32Array[];
  /** As the providers count them. */
  promptTokens: number;
  /** Who made them, nobody twice. */
  providers: PeerId[];
}

export interface EmbeddingNeeds extends AttemptNeeds {
  shortlist: Shortlist;
  breakers: Breakers;
}

/** Embeds inputs that make one task. Throws a `MeshError`; when `signal` aborts the provider stops computing. */
export async function embed(request: EmbedRequest, needs: EmbeddingNeeds, signal: AbortSignal): Promise<Embedded> {
  const { shortlist } = needs;
  const stopAbort = onAbort(signal, () => shortlist.close());
  let leave = () => {};
  try {
    leave = (await request.turn?.(signal)) ?? leave;
    return await new Embedding(request, needs, signal).run(leave);
  } catch (thrown) {
    throw signal.aborted ? cancelled() : thrown;
  } finally {
    leave();
    stopAbort();
    shortlist.close();
  }
}

class Embedding {
  readonly #request: EmbedRequest;
  readonly #needs: EmbeddingNeeds;
  readonly #signal: AbortSignal;
  readonly #atWork: AtWork;
  readonly #vectors: Float32Array[] = [];
  readonly #providers = new Set<PeerId>();
  #promptTokens = 0;

  constructor(request: EmbedRequest, needs: EmbeddingNeeds, signal: AbortSignal) {
    this.#request = request;
    this.#needs = needs;
    this.#signal = signal;
    this.#atWork = new AtWork(needs.breakers);
  }

  /** `found`: somebody is asked. */
  async run(found: () => void): Promise<Embedded> {
    const { inputs, only } = this.#request;
    let failures = 0;
    let failure: MeshError | null = null;
    while (this.#vectors.length < inputs.length) {
      const before = this.#vectors.length;
      const candidate = await this.#needs.shortlist.next(NOTHING, () => {});
      if (candidate === null) throw failure ?? nobodyFor({ task: 'embedding', sampling: {}, only });
      found();
      failure = await this.#ask(candidate);
      if (failure === null || this.#vectors.length === inputs.length) break;
      failures = this.#vectors.length > before ? 1 : failures + 1;
      if (failures >= MAX_FAILURES || !isWorthAnother(failure)) throw failure;
    }
    return { vectors: this.#vectors, promptTokens: this.#promptTokens, providers: [...this.#providers] };
  }

  /** For what is missing. Null: all of it came. */
  async #ask(candidate: Leased): Promise<MeshError | null> {
    const { model, inputs, only } = this.#request;
    const turns = turnsOf(inputs.slice(this.#vectors.length));
    const part = { task: 'embedding', model, turns, sampling: {}, maxTokens: turns.length, only } as const;
    const events = new AsyncQueue<AttemptEvent>();
    const attempt = new Attempt(candidate, part, null, this.#needs, (_, event) => events.push(event));
    this.#atWork.began(attempt);
    let stopTimer = () => {};
    const giveUpAfter = (ms: number) => {
      stopTimer();
      stopTimer = this.#needs.clock.after(ms, () => attempt.fail(silent()));
    };
    const stopAbort = onAbort(this.#signal, () => events.end());
    giveUpAfter(FIRST_MS);
    try {
      for (let batch = await events.take(); batch !== null; batch = await events.take()) {
        for (const event of batch) {
          switch (event.type) {
            case 'chunk':
              this.#take(event.chunk, candidate);
              this.#atWork.worked(attempt);
              giveUpAfter(this.#patienceMs());
              break;
            case 'whole':
              if (this.#vectors.length === inputs.length) return null;
              this.#atWork.failed(attempt, incomplete());
              return incomplete();
            case 'failed':
              this.#atWork.failed(attempt, event.error);
              return event.error;
            case 'late':
            case 'accepted':
              break;
            default:
              event satisfies never;
          }
        }
      }
      return cancelled();
    } finally {
      stopTimer();
      stopAbort();
      if (this.#atWork.has(attempt)) this.#atWork.dismiss(attempt);
    }
  }

  /** `PieceCheck` let it pass: it is a vector of this model, in its turn. */
  #take({ vector, promptTokens = 0 }: TaskChunk, { peerId, model }: Leased): void {
    const read = vector === undefined ? null : readVector(vector, model.embeds ?? 0);
    const text = this.#request.inputs[this.#vectors.length];
    if (read === null || text === undefined) return;
    this.#vectors.push(read);
    this.#providers.add(peerId);
    // No model makes more tokens of a text than it has bytes.
    this.#promptTokens += Math.min(promptTokens, promptBytes(turnsOf([text])) + MARK_TOKENS);
  }

  #patienceMs(): number {
    const next = this.#request.inputs[this.#vectors.length];
    return next === undefined ? LAST_WORD_MS : NEXT_MS + MS_PER_BYTE * promptBytes(turnsOf([next]));
  }
}

export function turnsOf(inputs: readonly string[]): Turn[] {
  return inputs.map((content) => ({ role: 'user', content }));
}

function silent(): MeshError {
  return new MeshError('provider_lost', 'The volunteer stopped in the middle of the texts.');
}

function incomplete(): MeshError {
  return new MeshError('bad_message', 'The volunteer left out some of the vectors.');
}
