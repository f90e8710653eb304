/**
 * A job: any WASI command, run by whoever lends for it. A piece is a sign of life, a state from which it can be resumed
 * elsewhere, or, at the end, a part of its outcome.
 */
import * as v from 'valibot';
import { onAbort } from '../base/abort.ts';
import { realClock, type Clock } from '../base/clock.ts';
import { cancelled, MeshError } from '../base/errors.ts';
import { AsyncQueue } from '../base/queue.ts';
import { JobSchema, JobStateSchema, type JobOutcome, type JobState, type WasmJob } from '../jobs/job.ts';
import type { JobRunner } from '../jobs/job-runner.ts';
import { GAS_PER_UNIT, gasUnits, outcomeOf, PART_BYTES, partsOf, unitsOf } from '../jobs/job-units.ts';
import { jobFault } from '../jobs/run-job.ts';
import { unable } from '../policy/abilities.ts';
import { PLAIN } from '../policy/price.ts';
import { MAX_INPUT_BYTES, MAX_PIECE_BYTES } from '../protocol.ts';
import { packBody } from '../wire/body.ts';
import { bytes } from '../wire/fields.ts';
import type { Ended, Job, TaskCheck, TaskKind, Written } from './task-kind.ts';

export const JOB = 'job';
/** A requester waits 30 seconds for the next piece. */
const LIFE_MS = 10_000;
/** For what stands around the bytes of a job. */
const AROUND_BYTES = 16_384;

const JobPieceSchema = v.union([
  v.strictObject({ part: v.pipe(bytes(PART_BYTES), v.minLength(1)) }),
  v.strictObject({ state: JobStateSchema }),
  v.strictObject({ alive: v.literal(true) }),
]);
export type JobPiece = v.InferOutput<typeof JobPieceSchema>;

/** Empty: the parts are the whole outcome. */
const JobResultSchema = v.object({});
type JobResult = Record<string, never>;

type JobTask = TaskKind<WasmJob, JobPiece, JobResult, null>;

export function jobTask(clock: Clock = realClock): JobTask {
  return {
    name: JOB,
    offeredAs: JOB,
    input: JobSchema,
    piece: JobPieceSchema,
    result: JobResultSchema,
    fault: (input) => {
      if (sizeOf(input) <= MAX_INPUT_BYTES) return null;
      return new MeshError('prompt_too_long', 'The module and its files are more than fits into one job. Split them.');
    },
    needs: () => ({}),
    complexity: () => PLAIN,
    // What it reads costs gas.
    maxInputUnits: () => 0,
    bytesToRead: () => 0,
    risk: () => null,
    prepare: jobFault,
    run: (engine, job, signal) => {
      if (!('runJob' in engine)) throw unable({ task: JOB });
      return running(engine as JobRunner, job, clock, signal);
    },
    check: (input) => new JobCheck(input),
    rest: (input, come) => {
      const state = come.findLast(({ piece }) => 'state' in piece)?.piece;
      if (state === undefined || !('state' in state)) return null;
      const rest = { ...input, resumed: state.state };
      return sizeOf(rest) <= MAX_INPUT_BYTES ? rest : null;
    },
    lighter: () => null,
  };
}

type Event = { state: JobState } | { alive: true } | { outcome: JobOutcome };

async function* running(
  runner: JobRunner,
  { input, maxUnits }: Job<WasmJob, null>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Written<JobPiece>, Ended<JobResult>, undefined> {
  const before = input.resumed?.gas ?? 0;
  const gas = Math.min(input.limits.gas, before + maxUnits * GAS_PER_UNIT);
  const events = new AsyncQueue<Event>();
  const left = new AbortController();
  const stopAbort = onAbort(signal, () => left.abort());
  let stopTimer = () => {};
  const live = () => {
    stopTimer = clock.after(LIFE_MS, () => {
      events.push({ alive: true });
      live();
    });
  };
  live();
  void runner
    .runJob({ ...input, limits: { ...input.limits, gas } }, (state) => events.push({ state }), left.signal)
    .then((outcome) => {
      events.push({ outcome });
      events.end();
    })
    .catch((thrown: unknown) => events.end(thrown));
  let spent = 0;
  try {
    for (let batch = await events.take(); batch !== null; batch = await events.take()) {
      for (const event of batch) {
        if (signal.aborted) throw cancelled();
        if (!('outcome' in event)) {
          const gasThere = 'state' in event ? event.state.gas - before : 0;
          const units = Math.max(1, gasUnits(gasThere) - spent);
          const piece = withinPiece(event);
          if (spent + units >= maxUnits || piece === null) continue;
          spent += units;
          yield { piece, units };
          continue;
        }
        let due = Math.max(0, gasUnits(event.outcome.gas - before) - spent);
        for (const part of partsOf(event.outcome)) {
          if (signal.aborted) throw cancelled();
          const units = Math.min(due + 1, maxUnits - spent);
          if (units <= 0) break;
          due = 0;
          spent += units;
          yield { piece: { part }, units };
        }
      }
    }
    if (signal.aborted) throw cancelled();
    return { result: {}, inputUnits: 0, units: spent };
  } finally {
    stopTimer();
    stopAbort();
    left.abort();
  }
}

/** A state that is too large to send is not sent: then the job begins again where its provider is lost. */
function withinPiece(event: { state: JobState } | { alive: true }): JobPiece | null {
  return 'alive' in event || packBody(event).byteLength <= MAX_PIECE_BYTES ? event : null;
}

class JobCheck implements TaskCheck<JobPiece, JobResult> {
  readonly #input: WasmJob;
  readonly #before: number;
  readonly #parts: Uint8Array[] = [];
  #lives = 0;
  #spent = 0;
  /** What came before the first part, and with it. */
  #spentBefore = 0;
  #first = 0;

  constructor(input: WasmJob) {
    this.#input = input;
    this.#before = input.resumed?.gas ?? 0;
  }

  piece({ piece, units }: Written<JobPiece>): void {
    const { limits } = this.#input;
    if (this.#spent + units > unitsOf(limits)) throw dishonest('The volunteer counted more than the job may cost.');
    if ('part' in piece) {
      if (this.#parts.length === 0) {
        this.#spentBefore = this.#spent;
        this.#first = units;
      } else if (units !== 1) throw dishonest('The volunteer counted a part of the outcome twice.');
      if (piece.part.byteLength === 0 || (this.#parts.at(-1)?.byteLength ?? PART_BYTES) !== PART_BYTES) {
        throw dishonest('The volunteer sent the outcome in parts that do not fit together.');
      }
      this.#parts.push(piece.part);
    } else if (this.#parts.length > 0) throw dishonest('The volunteer went on after the outcome.');
    else if ('state' in piece) this.#state(piece.state, units);
    else if (units !== 1 || ++this.#lives > 1 + limits.wallMs / LIFE_MS) {
      throw dishonest('The volunteer takes longer than the job may take.');
    }
    this.#spent += units;
  }

  end(): void {
    const outcome = outcomeOf(this.#parts);
    if (outcome === null) throw dishonest('What the volunteer sent is no outcome of a job.');
    const { gas, outputBytes } = this.#input.limits;
    if (outcome.gas > gas || outcome.gas < this.#before || printedBytes(outcome) > outputBytes) {
      throw dishonest('The volunteer says that the job took more than it may.');
    }
    if (this.#first !== Math.max(0, gasUnits(outcome.gas - this.#before) - this.#spentBefore) + 1) {
      throw dishonest('The volunteer counted something other than the gas of the job.');
    }
  }

  #state(state: JobState, units: number): void {
    const { gas, outputBytes } = this.#input.limits;
    if (state.gas > gas || state.gas < this.#before || printedBytes(state) > outputBytes) {
      throw dishonest('The volunteer says that the job took more than it may.');
    }
    if (units !== Math.max(1, gasUnits(state.gas - this.#before) - this.#spent)) {
      throw dishonest('The volunteer counted something other than the gas of the job.');
    }
  }
}

function printedBytes({ stdout, stderr, files }: JobState): number {
  return files.reduce((sum, file) => sum + file.bytes.byteLength, stdout.byteLength + stderr.byteLength);
}

/** No less than what it takes as a message. */
function sizeOf({ module, stdin, files, args, env, resumed }: WasmJob): number {
  const named = (all: readonly { name: string; bytes: Uint8Array }[]) =>
    all.reduce((sum, file) => sum + 4 * file.name.length + file.bytes.byteLength + 24, 0);
  const words = [...args, ...env.flat()].reduce((sum, word) => sum + 4 * word.length + 8, 0);
  const state =
    resumed === undefined ? 0 : resumed.stdout.byteLength + resumed.stderr.byteLength + named(resumed.files);
  return AROUND_BYTES + module.byteLength + stdin.byteLength + named(files) + words + state;
}

function dishonest(message: string): MeshError {
  return new MeshError('bad_message', message);
}
