/** `llmesh run job.wasm`: one job for each input, at volunteers who have to agree on what it brings. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { mapJobs, type JobInput, type JobMapEvent } from '@llmesh/core/ask/jobs/job-map';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { peerName } from '@llmesh/core/identity/names';
import { DEFAULT_JOB_LIMITS, MAX_JOB_MODULE_BYTES, type JobOutcome } from '@llmesh/core/jobs/job';
import { PAGE_BYTES } from '@llmesh/core/jobs/module';
import type { OpenPeer } from '@llmesh/core/open-peer';
import type { Output } from '../cli/output.ts';
import { oneLine } from '../cli/terminal-text.ts';
import { localPath } from '../files/local-path.ts';
import { errno } from '../files/whole-file.ts';
import { JobProcesses } from '../jobs/job-process.ts';
import { leaveMesh, openMeshNode } from '../node/mesh-node.ts';

const MAX_FILE_BYTES = 1_048_576;
const MAX_JOBS = 100_000;

export interface RunOptions {
  mesh: URL;
  input: string[];
  file: string[];
  arg: string[];
  gas: number;
  /** Megabytes. */
  memory: number;
  seconds: number;
  replicas: number;
  parallel: number;
  checkpoint?: string;
  arbiter: boolean;
  out?: string;
}

interface Named {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Exit code: 0 every job has an outcome, and ended by itself with 0; else 1. */
export async function runJobs(module: string, options: RunOptions, output: Output): Promise<number> {
  const stop = new AbortController();
  // Once: a second Ctrl-C ends the process whatever it waits for.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  let node: OpenPeer | null = null;
  try {
    const program = await readNamed(module, MAX_JOB_MODULE_BYTES);
    const inputs = await inputsOf(options);
    if (inputs.length > 1 && options.out === undefined && !output.json) {
      throw new MeshError('unsupported', 'Say with --out into which folder the outcomes go, or use --json.');
    }
    const files = await Promise.all(options.file.map((file) => readNamed(file, MAX_FILE_BYTES)));
    const args = [program.name, ...options.arg];
    const jobs = inputs.map(({ bytes }): JobInput => ({ args, files, stdin: bytes }));
    if (options.out !== undefined) await mkdir(localPath(options.out), { recursive: true });
    node = await openMeshNode(options.mesh);
    const told = new RunReport(inputs, options, output);
    for await (const event of mapJobs(
      node.mesh,
      { ...mapOptions(options), module: program.bytes, inputs: jobs },
      stop.signal,
    )) {
      await told.tell(event);
    }
    return told.exitCode;
  } catch (thrown) {
    if (stop.signal.aborted) return 0;
    const { code, message } = asMeshError(thrown, 'engine_failed', `The jobs failed: ${String(thrown)}`);
    // The text may be a volunteer's.
    output.error(new MeshError(code, oneLine(message)));
    return 1;
  } finally {
    if (node !== null) await leaveMesh(node);
  }
}

function mapOptions({ gas, memory, seconds, replicas, parallel, checkpoint, arbiter }: RunOptions) {
  const pages = Math.floor((memory * 1_048_576) / PAGE_BYTES);
  return {
    limits: { ...DEFAULT_JOB_LIMITS, gas: Math.floor(gas), pages, wallMs: seconds * 1_000 },
    ...{ replicas, parallel },
    ...(checkpoint !== undefined && { checkpoint }),
    ...(arbiter && { arbiter: new JobProcesses() }),
  };
}

class RunReport {
  exitCode = 0;
  readonly #inputs: readonly Named[];
  readonly #out: string | null;
  readonly #output: Output;
  #done = 0;

  constructor(inputs: readonly Named[], { out }: RunOptions, output: Output) {
    this.#inputs = inputs;
    this.#out = out === undefined ? null : localPath(out);
    this.#output = output;
  }

  async tell(event: JobMapEvent): Promise<void> {
    const { index } = event;
    const input = this.#inputs[index]?.name ?? '';
    switch (event.type) {
      case 'accepted':
      case 'progress':
        if (this.#output.json) this.#output.print('', { ...event, input });
        break;
      case 'error': {
        this.#finished();
        this.exitCode = 1;
        const { code, message } = event.error;
        if (this.#output.json) this.#output.print('', { type: 'error', index, input, code, message });
        else this.#output.error(new MeshError(code, oneLine(`${input}: ${message}`)));
        break;
      }
      case 'result': {
        this.#finished();
        const { outcome, agreed, outvoted } = event;
        const { end, exitCode, gas } = outcome;
        if (end !== 'exit' || exitCode !== 0) this.exitCode = 1;
        if (this.#out !== null) await writeOutcome(this.#out, input, outcome);
        if (this.#output.json) {
          const texts = this.#out === null ? { stdout: base64(outcome.stdout), stderr: base64(outcome.stderr) } : {};
          this.#output.print('', { type: 'result', index, input, end, exitCode, gas, agreed, outvoted, ...texts });
        } else this.#say(input, event);
        break;
      }
      default:
        event satisfies never;
    }
  }

  #say(input: string, { outcome, outvoted }: Extract<JobMapEvent, { type: 'result' }>): void {
    const { end, exitCode, gas, stdout, stderr } = outcome;
    if (this.#out === null) {
      process.stdout.write(stdout);
      process.stderr.write(stderr);
    }
    const how = end === 'exit' ? `ended with ${exitCode}` : ENDS[end];
    const liars = outvoted.length === 0 ? '' : ` Outvoted: ${outvoted.map(peerName).join(', ')}.`;
    this.#output.note(`${input === '' ? 'The job' : input} ${how}, for ${gas} gas.${liars}`);
  }

  #finished(): void {
    this.#done += 1;
    this.#output.live(`${this.#done} of ${this.#inputs.length} jobs done`);
  }
}

const ENDS = {
  gas: 'ran out of gas: give it more with --gas',
  depth: 'called itself too deep',
  output: 'wrote more than it may',
  trap: 'did something that WebAssembly forbids, and was stopped',
} as const;

async function writeOutcome(folder: string, input: string, { stdout, stderr, files }: JobOutcome): Promise<void> {
  const stem = path.join(folder, input === '' ? 'job' : input);
  await writeFile(`${stem}.out`, stdout);
  if (stderr.byteLength > 0) await writeFile(`${stem}.err`, stderr);
  for (const { name, bytes } of files) {
    // Names of files were checked: they lead into no other folder.
    const file = path.join(`${stem}.files`, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

/** Without one, there is a single job without input. */
async function inputsOf({ input }: RunOptions): Promise<Named[]> {
  if (input.length === 0) return [{ name: '', bytes: new Uint8Array() }];
  const names = (await Promise.all(input.map(matching))).flat();
  if (names.length > MAX_JOBS)
    throw new MeshError('unsupported', `These are ${names.length} inputs. Take ${MAX_JOBS} at most.`);
  const read: Named[] = [];
  for (const name of names) read.push(await readNamed(name, MAX_FILE_BYTES));
  if (new Set(read.map(({ name }) => name)).size < read.length) {
    throw new MeshError(
      'unsupported',
      'Two inputs have the same name. Rename one: their outcomes are named after them.',
    );
  }
  return read;
}

/** A file, or those whose names fit a pattern with * and ?, which a shell has left as it is. */
async function matching(pattern: string): Promise<string[]> {
  const folder = path.dirname(localPath(pattern));
  const last = path.basename(pattern);
  if (!/[*?]/.test(last)) return [pattern];
  const parts = last
    .split(/([*?])/)
    .map((part) => ({ '*': '.*', '?': '.' })[part] ?? part.replace(/[.+^${}()|[\]\\]/g, '\\$&'));
  const fits = new RegExp(`^${parts.join('')}$`, 's');
  const names = (await readdir(folder)).filter((name) => fits.test(name) && !name.startsWith('.')).toSorted();
  if (names.length === 0) throw new MeshError('model_not_found', `No file fits ${pattern}. Check --input.`);
  return names.map((name) => path.join(folder, name));
}

async function readNamed(file: string, most: number): Promise<Named> {
  const place = localPath(file);
  try {
    const { size } = await stat(place);
    if (size > most) throw new MeshError('unsupported', `${file} has ${size} bytes; at most ${most} can be sent.`);
    return { name: path.basename(place), bytes: new Uint8Array(await readFile(place)) };
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    throw new MeshError('model_not_found', `${file} cannot be read (${errno(thrown) ?? String(thrown)}).`);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
