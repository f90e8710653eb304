/** Real workers with --lora-from: what one of them fetched from the address, the next gets from it, and only what the address has. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { openMeshNode, releaseMeshNodes } from '../node/mesh-node.ts';
import { loraGguf, TINY_MATRICES } from '../testing/lora-gguf.ts';
import { ModelMirror } from '../testing/model-mirror.ts';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';

const never = new AbortController().signal;
const sumOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
/** Seven pieces. */
const bytes = loraGguf(TINY_MATRICES, { seed: 5, strength: 1, rank: 480 });
const sha256 = sumOf(bytes);

describe('adapters that are fetched when they are asked for', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-adapter-peers-'));
  const started: Running[] = [];
  let mirror: ModelMirror;
  let mesh: string;
  let node: OpenPeer;

  beforeAll(async () => {
    mirror = await new ModelMirror().listen();
    mirror.files.set(`/law/${sha256}.gguf`, bytes);
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
    await mirror.close();
    rmSync(folder, { recursive: true });
  });

  const lend = async (data: string, ...more: string[]): Promise<PeerId> => {
    const flags = ['--threads', '1', '--gpu', 'off', '--slots', '1', '--data', path.join(folder, data), '--json'];
    const from = ['--lora-from', `${mirror.origin}/law`, '--no-adapters-from-visitors'];
    const worker = startLlmesh('worker', '--model', 'llmesh-tiny', '--mesh', mesh, ...flags, ...from, ...more);
    started.push(worker);
    return (await worker.line((line) => line['ready'] === true))['peerId'] as PeerId;
  };
  const ask = async (provider: PeerId, adapter: string) => {
    const turns = [{ role: 'user' as const, content: 'What is LLMesh?' }];
    const model = { model: 'llmesh-tiny' as ModelId };
    let text = '';
    const asked = { ...model, turns, sampling: { temperature: 0 }, maxTokens: 16, only: [provider], adapter };
    for await (const event of node.mesh.ask(asked, never)) if (event.type === 'piece') text += event.text;
    return text;
  };
  const holders = async (wanted = sha256) =>
    (await node.control.holders({ content: null, sha256: wanted }, never)).map(({ peerId }) => peerId);
  const kept = (data: string) =>
    readdirSync(path.join(folder, data, 'adapters')).filter((name) => name.endsWith('.gguf'));

  it('come from whoever fetched them before, with the address as one more source', { timeout: 300_000 }, async () => {
    const first = await lend('first');
    await expect.poll(() => node.control.offers?.models.length, { timeout: 20_000 }).toBe(1);
    const text = await ask(first, sha256);
    expect(mirror.sentBytes).toBeGreaterThanOrEqual(bytes.byteLength);
    await expect.poll(() => holders(), { timeout: 30_000, interval: 1_000 }).toEqual([first]);

    const sent = mirror.sentBytes;
    mirror.bytesPerSecond = 100_000;
    const second = await lend('second');
    expect(await ask(second, sha256)).toBe(text);
    expect(mirror.sentBytes - sent).toBeLessThan(bytes.byteLength / 2);
    expect(kept('second')).toHaveLength(1);
    await expect.poll(async () => (await holders()).length, { timeout: 30_000, interval: 1_000 }).toBe(2);
  });

  it('are only those that the address has, wherever peers have them', { timeout: 300_000 }, async () => {
    const other = loraGguf(TINY_MATRICES, { seed: 6, strength: 1 });
    const wanted = sumOf(other);
    mirror.files.set(`/law/${wanted}.gguf`, other);
    const third = await lend('third');
    await ask(third, wanted);
    await expect.poll(() => holders(wanted), { timeout: 30_000, interval: 1_000 }).toEqual([third]);
    mirror.files.delete(`/law/${wanted}.gguf`);
    const fourth = await lend('fourth');
    await expect(ask(fourth, wanted)).rejects.toMatchObject({ code: expect.stringMatching(/unsupported|no_provider/) });
    expect(existsSync(path.join(folder, 'fourth', 'adapters'))).toBe(false);
  });

  it('are given to nobody by a worker that gives no files', { timeout: 300_000 }, async () => {
    const third = loraGguf(TINY_MATRICES, { seed: 7, strength: 1 });
    const wanted = sumOf(third);
    mirror.files.set(`/law/${wanted}.gguf`, third);
    await ask(await lend('silent', '--no-seed'), wanted);
    await ask(await lend('giving'), wanted);
    await expect.poll(async () => (await holders(wanted)).length, { timeout: 30_000, interval: 1_000 }).toBe(1);
  });
});
