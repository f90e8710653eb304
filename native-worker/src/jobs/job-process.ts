/**
 * Runs each job in a process of its own, with Node's permission model on: it may read its own code, and start and write
 * nothing. It has no environment, ends at the wall time, and takes no more of the processor and the memory than the system
 * was told, where a shell can tell it. The module itself is inside WebAssembly, metered; this is the wall behind that one.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import os from 'node:os';
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { JobOutcome, JobState, WasmJob } from '@llmesh/core/jobs/job';
import type { JobRunner } from '@llmesh/core/jobs/job-runner';
import { PAGE_BYTES } from '@llmesh/core/jobs/module';
import { packBody } from '@llmesh/core/wire/body';
import { jobProgram } from '../../bin/job-program.mjs';
import { FrameReader } from './job-frames.ts';

/** Node itself, and what the engine makes of the module. */
const OWN_KB = 1_572_864;
/** The engine compiles on several threads at once. */
const CPU_SECONDS = 20;
const OWN_HEAP_MB = 256;

export class JobProcesses implements JobRunner {
  async runJob(job: WasmJob, checkpoint: (state: JobState) => void, signal: AbortSignal): Promise<JobOutcome> {
    const program = await jobProgram();
    if (signal.aborted) throw cancelled();
    const child = spawnJob(program, job);
    return new Promise<JobOutcome>((resolve, reject) => {
      const reader = new FrameReader();
      let ended = false;
      const settle = (tell: () => void) => {
        if (ended) return;
        ended = true;
        clearTimeout(timer);
        stopAbort();
        child.kill('SIGKILL');
        tell();
      };
      const timer = setTimeout(() => settle(() => reject(tooLong(job))), job.limits.wallMs);
      const stopAbort = onAbort(signal, () => settle(() => reject(cancelled())));
      child.stdout?.on('data', (bytes: Buffer) => {
        const frames = reader.read(bytes);
        if (frames === null) return settle(() => reject(broke()));
        for (const { kind, body } of frames) {
          if (kind === 'checkpoint') checkpoint(body);
          else if (kind === 'outcome') settle(() => resolve(body));
          else settle(() => reject(new MeshError(body.code, body.message)));
        }
      });
      // What it had still to say comes before.
      child.on('close', () => settle(() => reject(broke())));
      child.on('error', () => settle(() => reject(broke())));
      // It may end before it has read all of it; then "close" says so.
      child.stdin?.on('error', () => {});
      child.stdin?.end(packBody(job));
    });
  }
}

function spawnJob({ file, reads }: { file: string; reads: readonly string[] }, { limits }: WasmJob): ChildProcess {
  const args = [
    ...permissionFlags(),
    ...[file, ...reads].map((path) => `--allow-fs-read=${path}`),
    `--max-old-space-size=${OWN_HEAP_MB}`,
    '--no-warnings',
    file,
  ];
  const options = { cwd: os.tmpdir(), env: {}, windowsHide: true };
  const stdio: ['pipe', 'pipe', 'ignore'] = ['pipe', 'pipe', 'ignore'];
  if (process.platform === 'win32') return spawn(process.execPath, args, { ...options, stdio });
  const dataKb = OWN_KB + (limits.pages * PAGE_BYTES) / 1_024;
  const seconds = CPU_SECONDS + 2 * Math.ceil(limits.wallMs / 1_000);
  // No core dump, no files; some systems know fewer of these.
  const shell = `ulimit -c 0; ulimit -f 0 2>/dev/null; ulimit -d ${dataKb} 2>/dev/null; ulimit -t ${seconds} 2>/dev/null; exec "$0" "$@"`;
  return spawn('/bin/sh', ['-c', shell, process.execPath, ...args], { ...options, stdio });
}

/** Node 20 has the same under another name. */
function permissionFlags(): string[] {
  return process.allowedNodeEnvironmentFlags.has('--permission') ? ['--permission'] : ['--experimental-permission'];
}

function tooLong({ limits }: WasmJob): MeshError {
  return new MeshError(
    'engine_failed',
    `The job took more than ${limits.wallMs / 1_000} seconds. Give it more, or make it smaller.`,
  );
}

function broke(): MeshError {
  return new MeshError('engine_failed', 'The job brought its process down. Another computer may have more memory.');
}
