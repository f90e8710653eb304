/**
 * A thousand jobs at a real control plane, with volunteers as processes that lend as anybody would, and simulated ones:
 * peers of their own in this process, with real links, whose jobs run in this thread. A fifth of those lie, each in its own way.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { JOB_MODEL, mapJobs } from '@llmesh/core/ask/jobs/job-map';
import type { JobRunner } from '@llmesh/core/jobs/job-runner';
import { runJob } from '@llmesh/core/jobs/run-job';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { JOB, jobTask } from '@llmesh/core/tasks/job';
import { MIN_CONTEXT_TOKENS, type ModelAdvert } from '@llmesh/core/wire/model-advert';
import { JobProcesses } from 'llmesh/jobs/job-process';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import { startControlPlane, startLlmesh, type Running } from 'llmesh/testing/process';
import { LIMITS, wasmProgram } from './containment.ts';

const SLOTS = 2;
const offered: ModelAdvert = {
  ...{ id: JOB_MODEL, task: JOB, name: 'WebAssembly jobs', quant: '', format: 'none', backend: 'cpu' },
  ...{ contextTokens: MIN_CONTEXT_TOKENS, sha256: null, tokensPerSecond: null, continues: 'none' },
};

interface CrowdOptions {
  jobs: number;
  simulated: number;
  real: number;
  /** Of the simulated ones. */
  liars: number;
}

/** How many jobs have the right outcome. */
export async function crowd({ jobs, simulated, real, liars }: CrowdOptions): Promise<number> {
  const folder = mkdtempSync(join(os.tmpdir(), 'llmesh-crowd-'));
  const plane = await startControlPlane();
  const processes: Running[] = [plane.process];
  const peers: OpenPeer[] = [];
  try {
    const url = new URL(plane.url);
    for (let at = 0; at < simulated; at++) {
      const peer = await openMeshNode(url, { kinds: [jobTask()] });
      peers.push(peer);
      await lend(peer, at < liars ? liar(at) : honest);
    }
    for (let at = 0; at < real; at++) {
      const data = join(folder, String(at));
      const args = ['--jobs', String(SLOTS), '--mesh', plane.url, '--data', data, '--json'];
      const worker = startLlmesh('worker', ...args);
      processes.push(worker);
      await worker.line((line) => line['ready'] === true);
    }
    const asker = await openMeshNode(url);
    peers.push(asker);
    return await rightOf(asker, jobs);
  } finally {
    await Promise.all(peers.map((peer) => peer.close()));
    releaseMeshNodes();
    for (const running of processes) running.kill('SIGKILL');
    await Promise.all(processes.map((running) => running.exited));
    rmSync(folder, { recursive: true, force: true });
  }
}

const honest: JobRunner = { runJob: (job, checkpoint) => runJob(job, checkpoint) };

function liar(at: number): JobRunner {
  return {
    runJob: async (job) => {
      const outcome = await runJob(job);
      return { ...outcome, stdout: new TextEncoder().encode(`${at} lines, ${at} bytes\n`) };
    },
  };
}

async function lend({ mesh }: OpenPeer, engine: JobRunner): Promise<void> {
  await new Promise<void>((onOffered, reject) => {
    mesh.provide({
      models: [{ advert: offered, engine, slots: SLOTS }],
      onOffered,
      onStatus: () => {},
      onFailure: reject,
      onHang: reject,
    });
  });
}

async function rightOf({ mesh }: OpenPeer, jobs: number): Promise<number> {
  const module = wasmProgram('count');
  const texts = Array.from({ length: jobs }, (_, at) => `${at}\n`.repeat(1 + (at % 50)));
  const inputs = texts.map((text) => ({ args: ['count'], stdin: new TextEncoder().encode(text) }));
  const options = { module, inputs, limits: LIMITS, parallel: 24, arbiter: new JobProcesses() };
  let right = 0;
  let outvoted = 0;
  for await (const event of mapJobs(mesh, options, new AbortController().signal)) {
    if (event.type === 'error')
      process.stdout.write(`job ${event.index}: ${event.error.code} ${event.error.message}\n`);
    if (event.type !== 'result') continue;
    const text = texts[event.index] ?? '';
    const expected = `${text.split('\n').length - 1} lines, ${text.length} bytes, 1 arguments, last count\n`;
    if (new TextDecoder().decode(event.outcome.stdout) === expected) right += 1;
    else process.stdout.write(`job ${event.index}: wrong\n`);
    outvoted += event.outvoted.length;
  }
  process.stdout.write(`${outvoted} lies were found\n`);
  return right;
}
