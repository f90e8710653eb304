/**
 * A kind of task: everything that the mesh has to know to carry it. Requests, leases, receipts, the registry and the
 * queues know a kind by its name alone, and count its units; to add one, hand it to both ends (`MeshOptions.kinds`).
 * The acceptance suite is `suites/task-kind.ts`.
 */
import type * as v from 'valibot';
import type { MeshError } from '../base/errors.ts';
import type { ContentId, PeerId, TaskName } from '../base/ids.ts';
import type { Needs } from '../policy/abilities.ts';
import type { ModelAdvert } from '../wire/model-advert.ts';

/** Turns a stranger's value into a `T`, or rejects it. */
export type Schema<T> = v.GenericSchema<unknown, T>;

export interface Risk {
  /** What is the same wherever it would crash an engine again. */
  of: string;
  /** What who asks with it is told once it has crashed one here. */
  refusal: () => MeshError;
}

export interface TaskKind<Input = unknown, Piece = unknown, Result = unknown, Prepared = unknown> {
  readonly name: TaskName;
  /** The kind of the offers that serve it: its own name, unless the providers of another kind do it as well. */
  readonly offeredAs: TaskName;
  /** What it writes is drawn by chance, so that a provider that can repeat its draws adds its half of the seed. Left out: no. */
  readonly drawn?: boolean;
  /** It waits for all other work, holds none of it up, and says nothing about the speed of a provider. Left out: no. */
  readonly background?: boolean;
  /** The input. Its total size is limited by what one message holds. */
  readonly input: Schema<Input>;
  /** A part of what comes back. */
  readonly piece: Schema<Piece>;
  /** The end message, beside the pieces. */
  readonly result: Schema<Result>;

  /** Why nobody can do this; null: it can be asked. Both ends check this before anything else. */
  fault(input: Input): MeshError | null;
  /** What a provider must have for it, beyond offering the kind. */
  needs(input: Input): Omit<Needs, 'task' | 'sha256'>;
  /** The adapter that the requester gives to whoever runs this and lacks it; null, or left out: none. */
  brings?(input: Input): BroughtAdapter | null;
  /** Price hook: the cost of a unit relative to one of a plain task, in thousandths. See `policy/price.ts`. */
  complexity(input: Input): number;
  /** The most input that an honest provider counts, in units. */
  maxInputUnits(input: Input): number;
  /** The bytes to read before the piece after this many units can come; 0: none. Determines how long to wait for it. */
  bytesToRead(input: Input, units: number): number;

  /** What a stranger chose and native code takes, which may crash it; null: there is none. */
  risk(input: Input): Risk | null;
  /** The provider's own check of the input. May cost some milliseconds: it comes after the lease check. */
  prepare(input: Input): Prepared | MeshError;
  /**
   * Does the work. Throws a MeshError; when `signal` aborts it stops and throws `cancelled`. Throws unsupported where
   * the engine is not made for this.
   */
  run(
    engine: object,
    job: Job<Input, Prepared>,
    signal: AbortSignal,
  ): AsyncGenerator<Written<Piece>, Ended<Result>, undefined>;

  /** Checks that a provider does what it was asked; `offered`: its own advert. */
  check(input: Input, offered: ModelAdvert): TaskCheck<Piece, Result>;
  /** The input for the rest, when this much has come; null: it has to start over. */
  rest(input: Input, come: readonly Written<Piece>[]): Input | null;
  /** The same in fewer bytes, for what is too large to send; null: there is no smaller form. */
  lighter(input: Input): Input | null;
}

export interface BroughtAdapter {
  /** Of its file. */
  sha256: string;
  /** Under which the requester gives it. */
  content: ContentId;
}

/** The work that a provider runs. */
export interface Job<Input, Prepared> {
  input: Input;
  prepared: Prepared;
  maxUnits: number;
  /** The cached work of one requester never makes another's begin sooner. */
  requester: PeerId;
  /** The model as it is offered. */
  offered: ModelAdvert;
  /** What the draws are derived from: `proof/seeds.ts`. Null: nobody can repeat them. */
  draws: Uint8Array | null;
}

export interface Written<Piece> {
  piece: Piece;
  /** At least 1. */
  units: number;
}

export interface Ended<Result> {
  result: Result;
  /** The input that was read for it. */
  inputUnits: number;
  /** All units that were written: the last one may have had nothing to show. */
  units: number;
}

/** Throws bad_message on what a provider must not send, and the question's own error where that is to blame. */
export interface TaskCheck<Piece, Result> {
  piece(written: Written<Piece>): void;
  end(result: Result): void;
}
