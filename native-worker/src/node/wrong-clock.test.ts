/** Real processes whose `Date.now` is wrong: a small module that they load first simulates a wrong clock. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { openMeshNode, releaseMeshNodes } from './mesh-node.ts';
import { Running, startControlPlane } from '../testing/process.ts';

const HOUR_MS = 3_600_000;
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-clock-'));
const started: Running[] = [];
let mesh: URL;
let client: OpenPeer;

const wrongBy = (ms: number) => ({
  NODE_OPTIONS: `--import data:text/javascript,const%20right=Date.now;Date.now=()=>right()+${ms}`,
});

beforeAll(async () => {
  const plane = await startControlPlane(0, wrongBy(HOUR_MS));
  started.push(plane.process);
  mesh = new URL(plane.url);
  client = await openMeshNode(mesh);
});
afterAll(async () => {
  await client.close();
  releaseMeshNodes();
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map((running) => running.exited));
  rmSync(folder, { recursive: true });
});

it('in a mesh whose clock is an hour fast, a worker whose own is a day fast answers, and says what is wrong', async () => {
  const args = ['worker', '--model', 'llmesh-tiny', '--mesh', mesh.origin, '--threads', '1', '--gpu', 'off'];
  const own = ['--on-battery', '--data', folder, '--json'];
  const worker = new Running(['native-worker/bin/llmesh.mjs', ...args, ...own], wrongBy(24 * HOUR_MS));
  started.push(worker);
  const { peerId } = await worker.line((line) => line['ready'] === true);
  const said = worker.lines.find((line) => 'clock' in line);
  expect(said).toMatchObject({ clock: { message: expect.stringContaining('23 hours ahead of that of the mesh') } });
  const turns = [{ role: 'user' as const, content: 'What is LLMesh?' }];
  const request = { model: 'llmesh-tiny' as ModelId, turns, sampling: { temperature: 0 }, maxTokens: 16 };
  let last: unknown;
  const events = client.mesh.ask({ ...request, only: [peerId as PeerId] }, new AbortController().signal);
  for await (const event of events) last = event;
  expect(last).toMatchObject({ type: 'done', summary: { provider: peerId, receipt: 'signed' } });
});
