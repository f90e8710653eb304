/**
 * Runs a job here and now, in the thread that calls this. It ends within its gas and its memory, but nobody else can make
 * it end sooner: so call this in a process, or a worker, that is there for this one job, and can be killed.
 */
import { ConsoleStdout, File, OpenFile, WASI } from '@bjorn3/browser_wasi_shim';
import { MeshError } from '../base/errors.ts';
import type { JobOutcome, JobState, WasmJob } from './job.ts';
import { JobFolder, sameBytes } from './job-folder.ts';
import { metered, NO_MEMORY, TOO_DEEP } from './metered.ts';
import { readModule, type WasmModule } from './module.ts';
import { wasmEngine, type WasmCode, type WasmGlobal, type WasmInstance } from './wasm-engine.ts';
import { wasiCalls, type CallHost } from './wasi-calls.ts';
import { badModule } from './wasm-bytes.ts';

interface Startable {
  start(instance: WasmInstance): number;
}

/** Thrown by a call of the host, past the module, when the job is at its end. */
class Ended extends Error {
  readonly end: JobOutcome['end'];

  constructor(end: JobOutcome['end']) {
    super(end);
    this.end = end;
  }
}

/** Why nobody can run it; null: it can be tried. Takes time in proportion to the module. */
export function jobFault(job: WasmJob): MeshError | null {
  try {
    checkedModule(job);
    return null;
  } catch (thrown) {
    if (thrown instanceof MeshError) return thrown;
    throw thrown;
  }
}

function checkedModule(job: WasmJob): WasmModule {
  const module = readModule(job.module);
  if (module.memory.minPages > job.limits.pages) {
    throw badModule(`it needs ${module.memory.minPages} pages of memory, and the job allows it ${job.limits.pages}`);
  }
  return module;
}

/**
 * `checkpoint` hears, in the middle, of each state from which the job can be resumed. Throws unsupported where the module
 * cannot run anywhere; out_of_memory and engine_failed where only this computer could not.
 */
export async function runJob(job: WasmJob, checkpoint: (state: JobState) => void = () => {}): Promise<JobOutcome> {
  const module = checkedModule(job);
  if (!wasmEngine.validate(job.module)) throw badModule('it is not valid');
  const compiled = await compile(metered(module, job.limits.pages));
  return new RunningJob(job, checkpoint).run(module, compiled);
}

/** The original was valid: what fails here is too large for the engine. */
async function compile(bytes: Uint8Array): Promise<WasmCode> {
  try {
    return await wasmEngine.compile(bytes);
  } catch (cause) {
    throw new MeshError('unsupported', 'This module is too large to be metered. Make its functions smaller.', {
      cause,
    });
  }
}

class RunningJob {
  readonly #job: WasmJob;
  readonly #folder: JobFolder;
  readonly #checkpoint: (state: JobState) => void;
  readonly #printed: { stdout: Uint8Array[]; stderr: Uint8Array[] } = { stdout: [], stderr: [] };
  #printedBytes = 0;
  #gas: WasmGlobal | null = null;
  #lastSaved: Uint8Array | null = null;

  constructor(job: WasmJob, checkpoint: (state: JobState) => void) {
    const { files, resumed, limits } = job;
    this.#job = job;
    this.#checkpoint = checkpoint;
    this.#folder = new JobFolder(files, resumed?.files ?? [], limits.outputBytes);
    if (job.checkpoint !== undefined) this.#lastSaved = this.#folder.find(job.checkpoint)?.data.slice() ?? null;
    for (const stream of ['stdout', 'stderr'] as const) {
      if (resumed !== undefined) this.#print(stream, resumed[stream]);
    }
  }

  run(module: WasmModule, compiled: WasmCode): JobOutcome {
    const job = this.#job;
    const stream = (name: 'stdout' | 'stderr') => new ConsoleStdout((bytes) => this.#print(name, bytes));
    const stdin = new OpenFile(new File(job.stdin));
    const wasi = new WASI([], [], [stdin, stream('stdout'), stream('stderr'), this.#folder.root], { debug: false });
    const host: CallHost = {
      wasi,
      job,
      folder: this.#folder,
      memory: () => new DataView(instance.exports.memory.buffer),
      charge: (gas) => this.#charge(gas),
      gas: () => this.#usedGas(),
      settled: () => this.#settled(),
    };
    const names = module.imports.map(({ name }) => name);
    const calls = wasiCalls(names, host);
    const instance = instantiate(compiled, calls);
    this.#gas = instance.exports.gas;
    this.#gas.value = BigInt(job.limits.gas - (job.resumed?.gas ?? 0));
    try {
      // Reading and compiling it, and its memory.
      this.#charge(job.module.byteLength);
      // The types of the shim are those of browsers, which core does not have.
      const exitCode = (wasi as unknown as Startable).start(instance);
      return this.#outcome('exit', exitCode >>> 0);
    } catch (thrown) {
      return this.#outcome(this.#endOf(thrown, instance), 0);
    }
  }

  #endOf(thrown: unknown, instance: WasmInstance): JobOutcome['end'] {
    if (thrown instanceof Ended) return thrown.end;
    const frames = Number(instance.exports.frames.value);
    if (frames === NO_MEMORY) throw noMemory();
    if (frames === TOO_DEEP) return 'depth';
    if (this.#left() < 0) return 'gas';
    // What the shim throws when the job points outside of its memory.
    if (thrown instanceof wasmEngine.RuntimeError || thrown instanceof RangeError || thrown instanceof TypeError) {
      if (!isOfThisComputer(thrown)) return 'trap';
    }
    throw new MeshError('engine_failed', 'The job broke off on this computer. Try another one.', { cause: thrown });
  }

  #outcome(end: JobOutcome['end'], exitCode: number): JobOutcome {
    const files = this.#folder.written(this.#job.limits.outputBytes - this.#printedBytes);
    const printed = { stdout: joined(this.#printed.stdout), stderr: joined(this.#printed.stderr) };
    const gas = this.#usedGas();
    if (files === null) return { end: end === 'exit' ? 'output' : end, exitCode: 0, gas, ...printed, files: [] };
    return { end, exitCode, gas, ...printed, files };
  }

  #print(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    const left = this.#job.limits.outputBytes - this.#printedBytes;
    const taken = bytes.slice(0, Math.max(0, left));
    this.#printed[stream].push(taken);
    this.#printedBytes += taken.byteLength;
    if (taken.byteLength < bytes.byteLength) throw new Ended('output');
  }

  #settled(): void {
    const { checkpoint, limits } = this.#job;
    const data = checkpoint === undefined ? undefined : this.#folder.find(checkpoint)?.data;
    if (data === undefined || data.byteLength === 0) return;
    this.#charge(data.byteLength);
    if (this.#lastSaved !== null && sameBytes(data, this.#lastSaved)) return;
    const files = this.#folder.written(limits.outputBytes - this.#printedBytes);
    if (files === null) return;
    this.#lastSaved = data.slice();
    const stdout = joined(this.#printed.stdout);
    this.#checkpoint({ gas: this.#usedGas(), stdout, stderr: joined(this.#printed.stderr), files });
  }

  #charge(gas: number): void {
    if (this.#gas === null) return;
    this.#gas.value = BigInt(this.#left() - Math.ceil(gas));
    if (this.#left() < 0) throw new Ended('gas');
  }

  #left(): number {
    return Number(this.#gas?.value ?? 0);
  }

  #usedGas(): number {
    const { gas } = this.#job.limits;
    return Math.min(gas, gas - this.#left());
  }
}

function instantiate(compiled: WasmCode, calls: Record<string, unknown>): WasmInstance {
  try {
    return new wasmEngine.Instance(compiled, { wasi_snapshot_preview1: calls });
  } catch (cause) {
    // A segment outside of its memory or its tables is the module's fault, and found everywhere alike.
    if (cause instanceof wasmEngine.RuntimeError) throw badModule('its data lies outside of its memory');
    throw noMemory(cause);
  }
}

function noMemory(cause?: unknown): MeshError {
  return new MeshError('out_of_memory', 'This computer has too little memory for the job. Try another one.', { cause });
}

/** Its stack or its memory ended, though we count what a job takes of both. V8 and SpiderMonkey word it like this. */
function isOfThisComputer(thrown: Error): boolean {
  return thrown.constructor.name === 'InternalError' || /call stack|recursion|allocation|memory$/i.test(thrown.message);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
