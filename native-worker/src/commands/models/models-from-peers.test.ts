/** Real workers on a real mesh: one downloads a model from a mirror, the mirror goes away, and the others get it from peers. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMeshNode, releaseMeshNodes } from '../../node/mesh-node.ts';
import { ModelMirror } from '../../testing/model-mirror.ts';
import { Running, startControlPlane } from '../../testing/process.ts';
import type { OpenPeer } from '@llmesh/core/open-peer';

const bytes = readFileSync(fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url)));
const sha256 = createHash('sha256').update(bytes).digest('hex');
const never = new AbortController().signal;
const isReady = (line: Record<string, unknown>) => line['ready'] === true;

describe('models from peers', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-peers-'));
  const started: Running[] = [];
  let mirror: ModelMirror;
  let mesh: string;
  let node: OpenPeer;

  beforeAll(async () => {
    mirror = await new ModelMirror().listen();
    mirror.files.set('/user/model/resolve/main/m.gguf', bytes);
    const plane = await startControlPlane();
    started.push(plane.process);
    mesh = plane.url;
    node = await openMeshNode(new URL(mesh));
  });
  afterAll(async () => {
    await node.close();
    releaseMeshNodes();
    for (const running of started) running.kill('SIGKILL');
    await Promise.all(started.map((running) => running.exited));
    rmSync(folder, { recursive: true });
  });

  const llmesh = (data: string, ...args: string[]) => {
    const common = ['--mesh', mesh, '--data', path.join(folder, data), '--json'];
    const running = new Running(['native-worker/bin/llmesh.mjs', ...args, ...common], {
      MODEL_ENDPOINT: mirror.origin,
    });
    started.push(running);
    return running;
  };
  const lend = (data: string, model: string, ...more: string[]) =>
    llmesh(data, 'worker', '--model', model, '--threads', '1', '--gpu', 'off', '--slots', '1', ...more);
  const holders = () => node.control.holders({ content: null, sha256 }, never);
  const stop = async (running: Running) => {
    running.kill('SIGTERM');
    expect(await running.exited).toBe(0);
  };

  it('load with the mirror switched off, from whoever has them then', { timeout: 600_000 }, async () => {
    const first = lend('first', 'hf:user/model/m.gguf');
    expect((await first.line(isReady))['model']).toBe('llmesh-tiny');
    await expect.poll(async () => (await holders()).length, { timeout: 30_000, interval: 1_500 }).toBe(1);
    const [{ content, peerId } = { content: '' }] = await holders();
    expect(peerId).toBe((await first.line(isReady))['peerId']);
    const sent = mirror.sentBytes;
    await mirror.close();

    const second = lend('second', `mesh:${content}`);
    await second.line(isReady);
    expect(mirror.sentBytes).toBe(sent);
    const models = path.join(folder, 'second', 'models');
    const [file = ''] = readdirSync(models).filter((name) => name.endsWith('.gguf'));
    expect(Buffer.compare(readFileSync(path.join(models, file)), bytes)).toBe(0);

    // The first one goes. Whoever has it now gives it, and somebody who only wants the file gets it, too.
    await stop(first);
    await expect
      .poll(async () => (await holders()).map((one) => one.peerId), { timeout: 30_000, interval: 1_500 })
      .toEqual([(await second.line(isReady))['peerId']]);
    const pulled = llmesh('third', 'models', 'pull', `mesh:${content}`);
    expect(await pulled.line((line) => 'sha256' in line)).toMatchObject({ sha256, sizeBytes: bytes.byteLength });
    expect(await pulled.exited).toBe(0);
    await stop(second);
    const nobody = llmesh('fourth', 'models', 'pull', `mesh:${content}`);
    expect(await nobody.line((line) => 'error' in line)).toMatchObject({ error: { code: 'model_not_found' } });
    expect(await nobody.exited).toBe(1);
  });
});
