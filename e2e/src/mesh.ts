/** A whole mesh for a test: control plane, and as many native providers as it asks for. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startProgram, type Running } from './processes.ts';

export interface TestMesh {
  url: string;
  /** `llmesh worker` with the tiny model. */
  addWorker(...args: string[]): Promise<Running>;
  /** Kills the control plane, as when the power fails. */
  killControlPlane(): Promise<void>;
  /** Starts a control plane at the same address, which knows nobody. */
  restartControlPlane(): Promise<void>;
  stop(): Promise<void>;
}

/** Off by default, since on a busy machine the relay can win the race against WebRTC. */
export const WITH_RELAY = { LLMESH_RELAY_LINKS: '100' };

/** `env`: that of the control plane. `args`: more of its options. */
export async function startMesh(
  env: Record<string, string> = { LLMESH_RELAY_LINKS: '0' },
  args: readonly string[] = [],
): Promise<TestMesh> {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  // Each provider has its own identity, and none is the developer's own computer.
  const folders: string[] = [];
  const startControlPlane = () => startProgram('signaling/src/main.ts', ['--port', String(port), ...args], env);
  let controlPlane = await startControlPlane();
  /** A test that runs out of time may leave while one of them starts. */
  const leaving = new AbortController();
  const workers: Promise<Running>[] = [];
  return {
    url,
    async killControlPlane() {
      const ended = new Promise((resolve) => controlPlane.process.once('exit', resolve));
      controlPlane.process.kill('SIGKILL');
      await ended;
    },
    async restartControlPlane() {
      controlPlane = await startControlPlane();
    },
    async addWorker(...args) {
      const folder = await mkdtemp(join(tmpdir(), 'llmesh-e2e-'));
      folders.push(folder);
      const own = ['worker', '--model', 'llmesh-tiny', '--mesh', url, '--threads', '1', '--data', folder, '--json'];
      // What this computer is short of just now is not what the tests are about: to the worker, it tells nothing.
      const machine = { LLMESH_MACHINE_ROOT: folder };
      const worker = startProgram('native-worker/src/main.ts', [...own, ...args], machine, leaving.signal);
      workers.push(worker);
      return worker;
    },
    async stop() {
      leaving.abort();
      const started = await Promise.allSettled(workers);
      for (const one of started.toReversed()) if (one.status === 'fulfilled') await one.value.stop();
      await controlPlane.stop();
      for (const folder of folders) await rm(folder, { recursive: true });
    },
  };
}

export interface WorkerStatusLine {
  busySlots: number;
  queued: number;
  answers: number;
  tokens: number;
}

/** The last status that a worker printed; null before the first. */
export function lastStatus(worker: Running): WorkerStatusLine | null {
  const line = worker.lines.findLast((one) => 'status' in one);
  return line === undefined ? null : (line['status'] as WorkerStatusLine);
}
