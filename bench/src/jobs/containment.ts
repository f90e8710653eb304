/** Hostile modules, each in a process as a volunteer runs it, with an honest job beside them that nothing may disturb. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import type { WasmJob } from '@llmesh/core/jobs/job';
import { JobProcesses } from 'llmesh/jobs/job-process';
import { hostileModules, type Hostile } from './hostile-modules.ts';

export const LIMITS = { gas: 200_000_000, pages: 64, wallMs: 30_000, outputBytes: 65_536 };
/** To end a process takes a moment. */
const END_MS = 2_000;
const never = new AbortController().signal;
const WASM = join(import.meta.dirname, '../../wasm');

export function wasmProgram(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(WASM, `${name}.wasm`)));
}

function jobWith(module: Uint8Array<ArrayBuffer>, more: Partial<WasmJob> = {}): WasmJob {
  const nothing = { args: [], env: [], stdin: new Uint8Array(), files: [], seed: 0 };
  return { module, ...nothing, limits: LIMITS, ...more };
}

/** How many ended within all of their caps. What did not is told. */
export async function containment(count: number): Promise<number> {
  const runner = new JobProcesses();
  const waiting = hostileModules(count).values();
  const ends = new Map<string, number>();
  let contained = 0;
  const neighbour = jobWith(wasmProgram('hash'), { args: ['hash', '1'] });
  const work = async () => {
    for (const one of waiting) {
      const [end, beside] = await Promise.all([endOf(runner, one), runner.runJob(neighbour, () => {}, never)]);
      ends.set(end, (ends.get(end) ?? 0) + 1);
      const undisturbed = new TextDecoder().decode(beside.stdout).startsWith('ba7816bf');
      if (end.startsWith('!') || !undisturbed) process.stdout.write(`${one.what}: ${end}, neighbour ${undisturbed}\n`);
      else contained += 1;
    }
  };
  await work();
  process.stdout.write(`${[...ends].map(([end, times]) => `${end} ${times}`).join(', ')}\n`);
  return contained;
}

/** With "!": it had more than it may. */
async function endOf(runner: JobProcesses, { module }: Hostile): Promise<string> {
  const began = performance.now();
  const end = await outcomeOf(runner, module);
  return performance.now() - began > LIMITS.wallMs + END_MS ? '!too long' : end;
}

async function outcomeOf(runner: JobProcesses, module: Uint8Array<ArrayBuffer>): Promise<string> {
  try {
    const { end, gas, stdout, stderr, files } = await runner.runJob(jobWith(module), () => {}, never);
    const bytes = files.reduce((sum, file) => sum + file.bytes.byteLength, stdout.byteLength + stderr.byteLength);
    if (gas > LIMITS.gas || bytes > LIMITS.outputBytes) return '!too much';
    return new TextDecoder().decode(stdout).includes('root:') ? '!read a file of the host' : end;
  } catch (thrown) {
    return thrown instanceof MeshError ? thrown.code : `!${String(thrown)}`;
  }
}
