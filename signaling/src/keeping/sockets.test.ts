/** Models that are kept for others, asked of a real control plane by real sockets; its clock is turned by hand. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ContentId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { startControlPlane, type ControlPlane } from '../server.ts';
import { MeshPeer } from '../testing/clients.ts';
import { LOOK_MS } from './replication.ts';

const PINNED = 'ab'.repeat(32) as ContentId;
const MODEL = {
  ...{ id: 'pinned', name: 'Pinned', quant: 'q8', summary: '', parameters: 1, sizeBytes: 5, memoryBytes: 5 },
  ...{ contextTokens: 512, licence: 'MIT', page: 'https://example.org/', content: PINNED },
  ...{ format: 'gguf', source: '/pinned.gguf', sha256: null },
};
const held = [{ content: PINNED, sha256: null, whole: true }];
let plane: ControlPlane;
let folder: string;
let clock: ManualClock;
const peers: MeshPeer[] = [];

beforeEach(async () => {
  clock = new ManualClock();
  folder = await mkdtemp(path.join(tmpdir(), 'llmesh-keeping-'));
  await writeFile(path.join(folder, 'catalogue.json'), JSON.stringify({ models: [MODEL] }));
  const options = { port: 0, host: '127.0.0.1', webFolder: '/nowhere', joinWorkBits: 0 };
  plane = await startControlPlane({ ...options, modelsFolder: folder, clock });
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.ws.terminate();
  const closed = plane.close();
  await clock.advance(10_000);
  await closed;
  await rm(folder, { recursive: true });
});

async function join(): Promise<MeshPeer> {
  const peer = new MeshPeer(plane.port);
  peers.push(peer);
  await peer.join();
  await peer.says('welcome');
  return peer;
}

it('are asked of those who said that they keep some, and of nobody else', async () => {
  const [lender, keeper, older] = [await join(), await join(), await join()];
  lender.send({ type: 'hold', held, certificate: null });
  keeper.send({ type: 'hold', held: [], certificate: null, keeps: { roomBytes: 1_000, refused: [] } });
  older.send({ type: 'hold', held: [], certificate: null });
  for (const peer of [lender, keeper, older]) await peer.settled();
  // Pings are answered in between, or the server would take everybody for gone.
  for (let passed = 0; passed < LOOK_MS; passed += 5_000) {
    await clock.advance(5_000);
    for (const peer of [lender, keeper, older]) await peer.settled();
  }
  expect(await keeper.says('keep')).toEqual({ type: 'keep', contents: [{ content: PINNED, sizeBytes: 5 }] });
  await older.settled();
  expect(await (await fetch(`${plane.local}/metrics`)).text()).toMatch(/llmesh_copies_kept 1\n/);
});

it('are reported on by nobody who was not asked', async () => {
  const keeper = await join();
  keeper.send({ type: 'hold', held, certificate: null, keeps: { roomBytes: 1_000, refused: [] } });
  keeper.send({ type: 'kept', requestId: 3, report: 'a'.repeat(400) });
  expect(await keeper.says('refused')).toMatchObject({ requestId: 3, code: 'bad_message' });
});
