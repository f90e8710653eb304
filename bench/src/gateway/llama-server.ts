/** llama.cpp's own server, where it is installed: `LLAMA_SERVER` names the binary. */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@llmesh/e2e/processes';
import type { Lane } from './lane.ts';
import { openOpenAiLane } from './openai-lane.ts';
import type { RawLaneOptions } from './raw-lane.ts';

const READY_TRIES = 1200;
const LOOK_MS = 100;

export async function openLlamaServer(binary: string, options: RawLaneOptions): Promise<Lane> {
  const { path, threads, streams, contextTokens } = options;
  const port = await freePort();
  const server = spawn(
    binary,
    [
      ...['--model', path, '--host', '127.0.0.1', '--port', String(port)],
      ...['--threads', String(threads), '--threads-batch', String(threads)],
      ...['--parallel', String(streams), '--ctx-size', String(streams * contextTokens)],
    ],
    { stdio: 'ignore' },
  );
  let failure: Error | null = null;
  server.once('error', (error) => (failure = error));
  const exited = new Promise<void>((resolve) => {
    server.once('exit', (code) => {
      failure ??= new Error(`${binary} ended with ${code}`);
      resolve();
    });
    server.once('error', () => resolve());
  });
  const close = async () => {
    if (failure === null) server.kill('SIGKILL');
    await exited;
  };
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < READY_TRIES; tries++) {
    if (failure !== null) throw failure as Error;
    const healthy = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (healthy) return { ...(await openOpenAiLane('llama-server', `${url}/v1`)), pid: server.pid ?? null, close };
    await delay(LOOK_MS);
  }
  await close();
  throw new Error(`${binary} was not ready in time`);
}
