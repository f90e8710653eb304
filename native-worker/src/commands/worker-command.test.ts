import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { ModelId } from '@llmesh/core/base/ids';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { readIdentityKey } from '../node/identity-file.ts';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { openMeshNode, releaseMeshNodes } from '../node/mesh-node.ts';
import { startControlPlane, startLlmesh, type Running } from '../testing/process.ts';
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';

const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../models/tiny/questions.json', import.meta.url)), 'utf8'),
);
const longest = questions.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
const never = new AbortController().signal;
const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-worker-'));
const common = ['--threads', '1', '--gpu', 'off', '--data', data, '--json'];
const started: Running[] = [];

const track = (running: Running): Running => {
  started.push(running);
  return running;
};
const lend = (mesh: string, ...more: string[]) =>
  track(startLlmesh('worker', '--model', 'llmesh-tiny', '--mesh', mesh, ...common, ...more));
const isReady = (line: Record<string, unknown>) => line['ready'] === true;
const lifeOf = (line: Record<string, unknown>) => (line['status'] as { life?: string } | undefined)?.life;
const statusOf = (line: Record<string, unknown> | undefined) => line?.['status'] as Record<string, number> | undefined;

afterAll(async () => {
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map((running) => running.exited));
  rmSync(data, { recursive: true });
});

describe('llmesh worker', () => {
  let mesh: string;
  let client: OpenPeer;
  beforeAll(async () => {
    // On a busy machine it could be faster than WebRTC.
    const plane = await startControlPlane(0, { LLMESH_RELAY_LINKS: '0' });
    track(plane.process);
    mesh = plane.url;
    client = await openMeshNode(new URL(mesh));
  });
  afterAll(async () => {
    await client.close();
    releaseMeshNodes();
  });

  const ask = (question: string, more: Partial<AskRequest> = {}, signal = never) =>
    client.mesh.ask(
      {
        model: 'llmesh-tiny' as ModelId,
        turns: [{ role: 'user', content: question }],
        sampling: { temperature: 0 },
        maxTokens: 1024,
        only: null,
        ...more,
      },
      signal,
    );

  it('answers another Node peer over WebRTC, word for word, and says how busy it is', async () => {
    const worker = lend(mesh);
    const ready = await worker.line(isReady);
    expect(ready).toMatchObject({ model: 'llmesh-tiny', backend: 'cpu', slots: 4, mesh });
    const { text, events } = await collect(ask(longest.question));
    expect(text).toBe(longest.answer);
    expect(events.at(-1)).toMatchObject({ type: 'done', summary: { provider: ready['peerId'], path: 'direct' } });
    const status = await worker.line((line) => statusOf(line)?.['answers'] === 1);
    expect(status).toMatchObject({ status: { slots: 4, busySlots: 0, queued: 0 } });
    worker.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
  });

  it('stops computing when the requester stops', async () => {
    const worker = lend(mesh);
    await worker.line(isReady);
    const before = worker.lines.length;
    const abort = new AbortController();
    let tokens = 0;
    await expect(async () => {
      for await (const event of ask(longest.question, {}, abort.signal)) {
        if (event.type !== 'piece') continue;
        tokens += event.tokens;
        abort.abort();
      }
    }).rejects.toMatchObject({ code: 'cancelled' });
    expect(tokens).toBeGreaterThan(0);
    await worker.line((line) => statusOf(line)?.['busySlots'] === 1, before);
    const free = await worker.line((line) => statusOf(line)?.['busySlots'] === 0, before);
    expect(statusOf(free)?.['answers']).toBe(0);
    worker.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
    // Whatever it said last, it wrote nothing more after it was free.
    expect(statusOf(worker.lines.at(-1))?.['tokens']).toBe(statusOf(free)?.['tokens']);
  });

  it('tells running and waiting requesters when it is stopped, and ends with code 0 in time', async () => {
    const worker = lend(mesh, '--slots', '1');
    await worker.line(isReady);
    const wild = { sampling: { temperature: 2, topP: 1 }, maxTokens: 1500 };
    const codes = Array.from({ length: 5 }, async () => {
      try {
        for await (const event of ask(longest.question, wild)) {
          if (event.type === 'piece') worker.kill('SIGINT');
        }
        return 'done';
      } catch (thrown) {
        return (thrown as { code: string }).code;
      }
    });
    const code = await worker.exited;
    expect(code).toBe(0);
    expect(await Promise.all(codes)).toContain('provider_stopped');
  });

  it('says once that no mesh answers, and joins when there is one', async () => {
    const first = await startControlPlane();
    first.process.kill('SIGTERM');
    await first.process.exited;
    const worker = lend(first.url);
    const { reason } = await worker.line((line) => line['connection'] === 'unreachable');
    expect(reason).toContain(`Nothing listens at ${first.url}.`);
    expect(await worker.line((line) => 'waiting' in line)).toMatchObject({
      waiting: { message: expect.stringContaining(`waits for the mesh at ${first.url}. Nothing listens`) },
    });
    expect(worker.lines.some(isReady)).toBe(false);
    track((await startControlPlane(Number(new URL(first.url).port))).process);
    await worker.line(isReady);
    expect(worker.lines.filter((line) => line['connection'] === 'unreachable')).toHaveLength(1);
    // With nobody asking: it hears of the connection itself.
    await worker.line((line) => lifeOf(line) === 'active');
    worker.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
  });

  it('ends with its own exit code, and says what to do, when another has its identity', async () => {
    const worker = lend(mesh);
    const { peerId } = await worker.line(isReady);
    const key = await readIdentityKey(data);
    const copy = await openMeshNode(new URL(mesh), { identity: nodeIdentity(key!) });
    try {
      expect(await worker.exited).toBe(78);
      expect(copy.mesh.self).toBe(peerId);
      expect(worker.lines.at(-1)).toMatchObject({
        error: { code: 'control_refused', message: expect.stringContaining('delete the identity file in one of them') },
      });
    } finally {
      await copy.close();
    }
  });

  it('ends with code 1 at a stand-in server that speaks another version', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    server.on('connection', (socket) => {
      socket.on('message', () =>
        socket.send(
          JSON.stringify({ type: 'refused', code: 'version_mismatch', message: 'Update the llmesh command.' }),
        ),
      );
    });
    const worker = lend(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await worker.exited).toBe(1);
    expect(worker.lines.at(-1)).toMatchObject({ error: { code: 'version_mismatch' } });
    server.close();
  });

  it('ends with code 1 and a named error when there is no such model', async () => {
    const worker = track(startLlmesh('worker', '--model', 'no-such-model', '--mesh', mesh, ...common));
    expect(await worker.exited).toBe(1);
    expect(worker.lines).toMatchObject([{ error: { code: 'model_not_found' } }]);
  });

  it('ends with code 2 when it is called wrongly', async () => {
    const worker = track(startLlmesh('worker', '--model', 'x', '--slots', '0'));
    expect(await worker.exited).toBe(2);
    expect(worker.stderr).toContain('whole number');
  });
});

async function collect(answer: AsyncIterable<AnswerEvent>): Promise<{ text: string; events: AnswerEvent[] }> {
  const events: AnswerEvent[] = [];
  let text = '';
  for await (const event of answer) {
    events.push(event);
    if (event.type === 'piece') text += event.text;
  }
  return { text, events };
}
