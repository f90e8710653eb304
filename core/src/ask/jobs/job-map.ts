/**
 * One module over many inputs, each as a job of its own. Each job is run by several volunteers, one after the other, until
 * enough of them agree to the byte; who was outvoted gets no more jobs of this map. Volunteers that agree on the same lie
 * are not found this way: an own runner, where there is one, decides instead of a vote.
 */
import { onAbort } from '../../base/abort.ts';
import { asMeshError, cancelled, MeshError } from '../../base/errors.ts';
import type { ModelId, PeerId } from '../../base/ids.ts';
import { AsyncQueue } from '../../base/queue.ts';
import { DEFAULT_JOB_LIMITS, type JobLimits, type JobOutcome, type WasmJob } from '../../jobs/job.ts';
import type { JobRunner } from '../../jobs/job-runner.ts';
import { outcomeDigest, outcomeOf, unitsOf } from '../../jobs/job-units.ts';
import { jobFault } from '../../jobs/run-job.ts';
import { toBase32 } from '../../base/base32.ts';
import { jobTask, type JobPiece } from '../../tasks/job.ts';
import type { RunEvent, RunRequest } from '../running.ts';
import type { TaskKind } from '../../tasks/task-kind.ts';

/** Answers beyond those that would do if nobody lied. */
const MAX_MORE = 5;
/** Providers that a request leaves out, fewer than a message names: those that fail on the way come to them. */
const MAX_EXCLUDED = 24;

/** What differs between the jobs of a map. What is left out is empty. */
export type JobInput = Partial<Pick<WasmJob, 'args' | 'env' | 'stdin' | 'files' | 'seed'>>;

export interface JobMapOptions {
  /** A WASI preview 1 command. */
  module: Uint8Array<ArrayBuffer>;
  inputs: readonly JobInput[];
  /** Those left out are `DEFAULT_JOB_LIMITS`. */
  limits?: Partial<JobLimits>;
  /** How many volunteers have to agree on each outcome. Default 2; 1 believes whoever is asked. */
  replicas?: number;
  /** The file that a job can be resumed from. */
  checkpoint?: string;
  /** Jobs at the same time. Default 16. */
  parallel?: number;
  /** Only these volunteers. Left out: any. */
  only?: PeerId[];
  /** Runs a job here where volunteers disagree. Left out: they are asked until enough agree. */
  arbiter?: JobRunner;
}

/** `index`: of the input. */
export type JobMapEvent =
  /** A volunteer begins with it, for the first time or to confirm what others found. */
  | { type: 'accepted'; index: number; provider: PeerId }
  /** `units`: done so far by the one who works on it. */
  | { type: 'progress'; index: number; units: number }
  /** `agreed`: who found this; `outvoted`: who found something else. */
  | { type: 'result'; index: number; outcome: JobOutcome; agreed: PeerId[]; outvoted: PeerId[] }
  | { type: 'error'; index: number; error: MeshError };

/** The part of a mesh that this asks. */
interface JobMesh {
  run<Input, Piece, Result>(
    kind: TaskKind<Input, Piece, Result>,
    request: RunRequest<Input>,
    signal: AbortSignal,
  ): AsyncGenerator<RunEvent<Piece, Result>, void, undefined>;
}

/** The id under which all volunteers lend for jobs. */
export const JOB_MODEL = 'wasm' as ModelId;

/** Ends when every input has its result or its error. Throws unsupported at once where the module cannot be a job; cancelled. */
export async function* mapJobs(
  mesh: JobMesh,
  options: JobMapOptions,
  signal: AbortSignal,
): AsyncGenerator<JobMapEvent, void, undefined> {
  const { module, inputs, limits, checkpoint, parallel = 16 } = options;
  const jobs = inputs.map((input) => ({
    ...{ args: [], env: [], stdin: new Uint8Array(), files: [], seed: 0, ...input, module },
    limits: { ...DEFAULT_JOB_LIMITS, ...limits },
    ...(checkpoint !== undefined && { checkpoint }),
  }));
  const [first] = jobs;
  const fault = first === undefined ? null : jobFault(first);
  if (fault !== null) throw fault;
  const events = new AsyncQueue<JobMapEvent>();
  const left = new AbortController();
  const stopAbort = onAbort(signal, () => left.abort());
  const liars = new Set<PeerId>();
  const waiting = jobs.entries();
  const work = async () => {
    // Those who work in parallel take from the same line.
    for (const [index, job] of waiting) {
      if (left.signal.aborted) return;
      // Each has a signal of its own: hosts warn of one that many listen to.
      const stopped = AbortSignal.any([left.signal]);
      const voted = new VotedJob(mesh, job, index, options, liars, (event) => events.push(event), stopped);
      await voted.run();
    }
  };
  void Promise.all(Array.from({ length: Math.min(parallel, jobs.length) }, work)).then(
    () => events.end(),
    (thrown: unknown) => events.end(thrown),
  );
  try {
    for (let batch = await events.take(); batch !== null; batch = await events.take()) yield* batch;
    if (signal.aborted) throw cancelled();
  } finally {
    stopAbort();
    left.abort();
  }
}

interface Vote {
  outcome: JobOutcome;
  providers: PeerId[];
}

class VotedJob {
  readonly #mesh: JobMesh;
  readonly #job: WasmJob;
  readonly #index: number;
  readonly #options: JobMapOptions;
  readonly #liars: Set<PeerId>;
  readonly #tell: (event: JobMapEvent) => void;
  readonly #signal: AbortSignal;
  readonly #votes = new Map<string, Vote>();
  /** Nobody confirms what it found itself, or what it was part of. */
  readonly #asked = new Set<PeerId>();

  constructor(
    mesh: JobMesh,
    job: WasmJob,
    index: number,
    options: JobMapOptions,
    liars: Set<PeerId>,
    tell: (event: JobMapEvent) => void,
    signal: AbortSignal,
  ) {
    this.#mesh = mesh;
    this.#job = job;
    this.#index = index;
    this.#options = options;
    this.#liars = liars;
    this.#tell = tell;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { replicas = 2, arbiter } = this.#options;
    try {
      for (let answers = 0; answers < replicas + MAX_MORE; answers++) {
        const vote = await this.#ask();
        if (vote.providers.length >= replicas) return this.#decide(vote);
        if (arbiter !== undefined && this.#votes.size > 1) return await this.#arbitrate(arbiter);
      }
      throw new MeshError('no_provider', 'The volunteers do not agree on what this job brings. Run it yourself.');
    } catch (thrown) {
      if (this.#signal.aborted) return;
      const error = asMeshError(thrown, 'engine_failed', 'The job failed.');
      this.#tell({ type: 'error', index: this.#index, error: this.#explained(error) });
    }
  }

  async #ask(): Promise<Vote> {
    const { only = null } = this.#options;
    const request = {
      model: JOB_MODEL,
      input: this.#job,
      maxUnits: unitsOf(this.#job.limits),
      only,
      exclude: [...this.#asked, ...this.#liars].slice(0, MAX_EXCLUDED),
    };
    const parts: Uint8Array[] = [];
    let provider: PeerId | null = null;
    let units = 0;
    for await (const event of this.#mesh.run<WasmJob, JobPiece, Record<string, never>>(
      jobTask(),
      request,
      this.#signal,
    )) {
      switch (event.type) {
        case 'provider':
          provider = event.candidate.peerId;
          this.#asked.add(provider);
          this.#tell({ type: 'accepted', index: this.#index, provider });
          break;
        case 'piece':
          units += event.units;
          if ('part' in event.piece) parts.push(event.piece.part);
          this.#tell({ type: 'progress', index: this.#index, units });
          break;
        case 'restarted':
          parts.length = 0;
          units = 0;
          break;
        case 'done':
          break;
        default:
          event satisfies never;
      }
    }
    const outcome = outcomeOf(parts);
    if (outcome === null || provider === null) throw new MeshError('bad_message', 'The volunteer sent no outcome.');
    return this.#count(outcome, provider);
  }

  #count(outcome: JobOutcome, provider: PeerId): Vote {
    const digest = this.#digest(outcome);
    const vote = this.#votes.get(digest) ?? { outcome, providers: [] };
    vote.providers.push(provider);
    this.#votes.set(digest, vote);
    return vote;
  }

  /** One that was resumed had to find its place again, which took gas. */
  #digest(outcome: JobOutcome): string {
    const digest = toBase32(outcomeDigest(outcome));
    return this.#options.checkpoint === undefined ? `${digest} ${outcome.gas}` : digest;
  }

  async #arbitrate(arbiter: JobRunner): Promise<void> {
    const outcome = await arbiter.runJob(this.#job, () => {}, this.#signal);
    this.#decide(this.#votes.get(this.#digest(outcome)) ?? { outcome, providers: [] });
  }

  #decide(decided: Vote): void {
    const outvoted = [...this.#votes.values()].flatMap((vote) => (vote === decided ? [] : vote.providers));
    for (const provider of outvoted) this.#liars.add(provider);
    const { outcome, providers } = decided;
    this.#tell({ type: 'result', index: this.#index, outcome, agreed: providers, outvoted });
  }

  /** That nobody is left to confirm it is not that nobody lends. */
  #explained(error: MeshError): MeshError {
    if (error.code !== 'no_provider' || this.#votes.size === 0) return error;
    const message = 'There are too few volunteers to confirm what the first ones found. Ask for fewer replicas.';
    return new MeshError('no_provider', message, { cause: error });
  }
}
