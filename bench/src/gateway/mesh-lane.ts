/** The whole way of a question: client, control plane, WebRTC, `llmesh worker`, each in its own process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ModelId } from '@llmesh/core/base/ids';
import type { Mesh } from '@llmesh/core/mesh';
import { freePort, startProgram, type Running } from '@llmesh/e2e/processes';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import type { Lane, Stream } from './lane.ts';
import type { RawLaneOptions } from './raw-lane.ts';

const never = new AbortController().signal;

export interface MeshLane extends Lane {
  url: URL;
  model: ModelId;
  /** The time from the start of its process until it serves. */
  loadMs: number;
  pid: number;
}

export async function openMeshLane(options: RawLaneOptions): Promise<MeshLane> {
  const programs: Running[] = [];
  // It does not use the identity of the person who runs this.
  const data = await mkdtemp(join(tmpdir(), 'llmesh-bench-'));
  let node: OpenPeer | null = null;
  const close = async () => {
    await node?.close();
    releaseMeshNodes();
    for (const program of programs.toReversed()) await program.stop();
    await rm(data, { recursive: true });
  };
  try {
    const port = await freePort();
    const url = new URL(`http://127.0.0.1:${port}`);
    // On a busy machine the relay could be faster than WebRTC: here it is always WebRTC.
    programs.push(await startProgram('signaling/src/main.ts', ['--port', String(port)], { LLMESH_RELAY_LINKS: '0' }));
    const startMs = performance.now();
    const worker = await startProgram('native-worker/src/main.ts', [
      ...['worker', '--json', '--gpu', 'off', '--threads', String(options.threads)],
      ...['--slots', String(options.streams), '--ctx', String(options.contextTokens)],
      ...['--model', options.path, '--mesh', url.href, '--data', data],
    ]);
    const loadMs = performance.now() - startMs;
    programs.push(worker);
    node = await openMeshNode(url);
    const { mesh } = node;
    const model = await onlyModel(mesh);
    const ask: Lane['ask'] = (turns, maxTokens) =>
      read(mesh, { model, turns, sampling: { temperature: 0 }, maxTokens, only: null, hedge: false });
    return { name: 'mesh', url, model, loadMs, pid: worker.process.pid ?? 0, ask, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function read(mesh: Mesh, request: Parameters<Mesh['ask']>[0]): Promise<Stream> {
  let firstMs: number | null = null;
  let tokens = 0;
  for await (const event of mesh.ask(request, never)) {
    if (event.type === 'piece') firstMs ??= performance.now();
    // Noise may end in half a character, whose token is counted but not shown.
    if (event.type === 'done') tokens = event.summary.completionTokens;
  }
  if (firstMs === null) throw new Error('the mesh gave no answer');
  return { tokens, firstMs, endMs: performance.now() };
}

/** Resolves when the worker's one model is offered. */
async function onlyModel(mesh: Mesh): Promise<ModelId> {
  for (let tries = 0; tries < 200; tries++) {
    const model = mesh.control.offers?.models[0];
    if (model !== undefined) return model.id;
    await delay(50);
  }
  throw new Error('the worker offered nothing');
}
