/**
 * A task of any kind on its way to its end. When a provider fails or leaves, the next one gets the rest, if its kind
 * can define that; otherwise it starts over. How a written answer survives its providers is in `answering.ts`: there a
 * person waits.
 */
import { onAbort } from '../base/abort.ts';
import { AtWork } from './at-work.ts';
import { Attempt, type AttemptEvent, type AttemptNeeds } from './attempt.ts';
import { billOf, type Bill } from './bill.ts';
import type { Breakers } from './patience/breaker.ts';
import { DeliveredAnswer } from './delivered-answer.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import type { ModelId, PeerId } from '../base/ids.ts';
import { nobodyFor } from './provider-failure.ts';
import { AsyncQueue } from '../base/queue.ts';
import type { Shortlist } from './shortlist.ts';
import type { Leased } from '../wire/candidate.ts';
import { isWorthAnother } from '../policy/error-meaning.ts';
import { FIRST_PIECE_MS, MS_PER_BYTE } from '../policy/patience.ts';
import type { TaskKind, Written } from '../tasks/task-kind.ts';

/** Providers that fail in a row, without a piece between them. */
const MAX_FAILURES = 4;
/** The time until the next piece, beside that for reading the input. */
const NEXT_MS = 30_000;
/** The time for the receipt, when all pieces have come. */
const LAST_WORD_MS = 5_000;
/** A new provider starts with what is left, and does not continue the words of others. */
const NOTHING = new DeliveredAnswer();

export interface RunRequest<Input> {
  model: ModelId;
  /** The SHA-256 of the model's file; null: a file without a stated hash. Left out: the one that the id means. */
  sha256?: string | null | undefined;
  input: Input;
  /** The most units of the whole. */
  maxUnits: number;
  /** Only these providers may do it; null: any. */
  only: readonly PeerId[] | null;
  /** Providers that must not do it, at most 32. Left out: any may. */
  exclude?: readonly PeerId[];
  /** Micro-credits for 1,000 units: the most that was shown. Left out: what the mesh shows now. */
  maxPrice?: number | undefined;
}

export type RunEvent<Piece, Result> =
  /** This provider is asked: for all of it, or for the rest. */
  | { type: 'provider'; candidate: Leased }
  | ({ type: 'piece'; candidate: Leased } & Written<Piece>)
  /** What came is worthless: the kind cannot be continued, and starts over. */
  | { type: 'restarted'; error: MeshError }
  /** `inputUnits`: what the last provider read. `bill`: for all of it, also for what was worthless. */
  | { type: 'done'; result: Result; inputUnits: number; bill: Bill };

export interface RunNeeds extends AttemptNeeds {
  shortlist: Shortlist;
  breakers: Breakers;
}

/** Throws a `MeshError`; when `signal` aborts, `cancelled`, and the provider stops computing. */
export async function* run<Input, Piece, Result>(
  kind: TaskKind<Input, Piece, Result>,
  request: RunRequest<Input>,
  needs: RunNeeds,
  signal: AbortSignal,
): AsyncGenerator<RunEvent<Piece, Result>, void, undefined> {
  const fault = kind.fault(request.input);
  if (fault !== null) throw fault;
  const { shortlist } = needs;
  const stopAbort = onAbort(signal, () => shortlist.close());
  try {
    yield* new Running(kind, request, needs, signal).events();
  } catch (thrown) {
    throw signal.aborted ? cancelled() : thrown;
  } finally {
    stopAbort();
    shortlist.close();
  }
}

class Running<Input, Piece, Result> {
  readonly #kind: TaskKind<Input, Piece, Result>;
  readonly #request: RunRequest<Input>;
  readonly #needs: RunNeeds;
  readonly #signal: AbortSignal;
  readonly #atWork: AtWork<Attempt<Input, Piece, Result>>;
  readonly #asked: Attempt<Input, Piece, Result>[] = [];
  /** The pieces since it last started over. */
  #come: Written<Piece>[] = [];

  constructor(kind: TaskKind<Input, Piece, Result>, request: RunRequest<Input>, needs: RunNeeds, signal: AbortSignal) {
    this.#kind = kind;
    this.#request = request;
    this.#needs = needs;
    this.#signal = signal;
    this.#atWork = new AtWork(needs.breakers);
  }

  async *events(): AsyncGenerator<RunEvent<Piece, Result>, void, undefined> {
    const { input, only } = this.#request;
    let failures = 0;
    let failure: MeshError | null = null;
    for (;;) {
      const before = this.#units;
      const candidate = await this.#needs.shortlist.next(NOTHING, () => {});
      if (candidate === null) {
        const needs = { task: this.#kind.offeredAs, ...this.#kind.needs(input) };
        throw failure ?? nobodyFor({ needs, only, begun: before > 0 });
      }
      yield { type: 'provider', candidate };
      failure = yield* this.#ask(candidate);
      if (failure === null) return;
      failures = this.#units > before ? 1 : failures + 1;
      if (failures >= MAX_FAILURES || this.#units >= this.#request.maxUnits || !isWorthAnother(failure)) throw failure;
      if (this.#come.length > 0 && this.#rest === null) {
        this.#come = [];
        yield { type: 'restarted', error: failure };
      }
    }
  }

  /** Asks for what is missing. Null: all of it came. */
  async *#ask(candidate: Leased): AsyncGenerator<RunEvent<Piece, Result>, MeshError | null, undefined> {
    const { model, maxUnits } = this.#request;
    const input = this.#rest ?? this.#request.input;
    const offset = this.#units;
    const check = this.#kind.check(input, candidate.model);
    const part = {
      kind: this.#kind,
      model,
      input,
      maxUnits: maxUnits - offset,
      check,
      offset,
      maxPrice: this.#request.maxPrice,
    };
    const events = new AsyncQueue<AttemptEvent<Piece, Result>>();
    const attempt = new Attempt(candidate, part, this.#needs, (_, event) => events.push(event));
    this.#atWork.began(attempt);
    this.#asked.push(attempt);
    let stopTimer = () => {};
    const giveUpAfter = (ms: number) => {
      stopTimer();
      stopTimer = this.#needs.clock.after(ms, () => attempt.fail(silent()));
    };
    const stopAbort = onAbort(this.#signal, () => events.end());
    giveUpAfter(FIRST_PIECE_MS);
    try {
      for (let batch = await events.take(); batch !== null; batch = await events.take()) {
        for (const event of batch) {
          switch (event.type) {
            case 'piece': {
              const { piece, units } = event;
              this.#come.push({ piece, units });
              this.#atWork.worked(attempt);
              giveUpAfter(this.#patienceMs(part, event.index + units));
              yield { type: 'piece', candidate, piece, units };
              break;
            }
            case 'whole': {
              this.#atWork.finished(attempt);
              const { result, inputUnits } = event.whole;
              const bill = billOf(this.#asked.map(({ owed }) => owed).filter((owed) => owed !== null));
              yield { type: 'done', result, inputUnits, bill };
              return null;
            }
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

  #patienceMs({ input, maxUnits }: { input: Input; maxUnits: number }, units: number): number {
    return units >= maxUnits ? LAST_WORD_MS : NEXT_MS + MS_PER_BYTE * this.#kind.bytesToRead(input, units);
  }

  /** Null: it has to start over. */
  get #rest(): Input | null {
    return this.#come.length === 0 ? this.#request.input : this.#kind.rest(this.#request.input, this.#come);
  }

  get #units(): number {
    return this.#come.reduce((sum, { units }) => sum + units, 0);
  }
}

function silent(): MeshError {
  return new MeshError('provider_lost', 'The volunteer stopped in the middle. Ask again.');
}
