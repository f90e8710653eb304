/**
 * What a kind of task is: everything that the mesh has to know of it to carry it. Requests, leases, receipts, the registry
 * and the queues know a kind by its name alone, and count its units; to add one is to hand it to both ends
 * (`MeshOptions.kinds`). The acceptance suite is `suites/task-kind.ts`.
 */
import type * as v from 'valibot';
import type { MeshError } from '../base/errors.ts';
import type { PeerId, TaskName } from '../base/ids.ts';
import type { Needs } from '../policy/abilities.ts';
import type { ModelAdvert } from '../wire/model-advert.ts';

/** A stranger's value becomes a `T`, or nothing. */
export type Schema<T> = v.GenericSchema<unknown, T>;

export interface TaskKind<Input = unknown, Piece = unknown, Result = unknown, Prepared = unknown> {
  readonly name: TaskName;
  /** The kind of the offers that serve it: its own name, unless another kind's providers do it, too. */
  readonly offeredAs: TaskName;
  /** What is asked. All of it is bounded by what one message holds. */
  readonly input: Schema<Input>;
  /** A part of what comes back. */
  readonly piece: Schema<Piece>;
  /** What there is to say at the end, beside the pieces. */
  readonly result: Schema<Result>;

  /** Why nobody can do this; null: it can be asked. Both ends look before anything else is done. */
  fault(input: Input): MeshError | null;
  /** What a provider has to have for it, beyond offering the kind. */
  needs(input: Input): Omit<Needs, 'task' | 'sha256'>;
  /** Price hook: what a unit of it takes against one of a plain task, in thousandths. See `policy/price.ts`. */
  complexity(input: Input): number;
  /** The most that an honest provider counts as read for it, in units. */
  maxInputUnits(input: Input): number;
  /** Bytes to be read before the piece behind so many units can come; 0: none. How long it is waited for goes by this. */
  bytesToRead(input: Input, units: number): number;

  /** What of it native code reads that a stranger wrote, and may break over; null: nothing. */
  risk(input: Input): string | null;
  /** The provider's look at what it is to run. May cost some milliseconds: it comes behind the lease. */
  prepare(input: Input): Prepared | MeshError;
  /**
   * Does the work. Throws a MeshError; when `signal` aborts it throws `cancelled` and has stopped. Throws unsupported where
   * the engine is none for this.
   */
  run(
    engine: object,
    job: Job<Input, Prepared>,
    signal: AbortSignal,
  ): AsyncGenerator<Written<Piece>, Ended<Result>, undefined>;

  /** Holds a provider to what it was asked; `offered`: as it offers. */
  check(input: Input, offered: ModelAdvert): TaskCheck<Piece, Result>;
  /** What is still to be asked when this much has come; null: it has to begin again from the start. */
  rest(input: Input, come: readonly Written<Piece>[]): Input | null;
  /** The same in fewer bytes, for what is too large to be sent; null: there is no such thing. */
  lighter(input: Input): Input | null;
}

/** What a provider is to run. */
export interface Job<Input, Prepared> {
  input: Input;
  prepared: Prepared;
  maxUnits: number;
  /** What an engine keeps of one requester's work makes nobody else's begin sooner. */
  requester: PeerId;
}

export interface Written<Piece> {
  piece: Piece;
  /** At least 1. */
  units: number;
}

export interface Ended<Result> {
  result: Result;
  /** What was read for it. */
  inputUnits: number;
  /** All that was written: the last unit may have had nothing to show. */
  units: number;
}

/** Throws bad_message on what a provider must not send, and the fault of the question where that is to blame. */
export interface TaskCheck<Piece, Result> {
  piece(written: Written<Piece>): void;
  end(result: Result): void;
}
