import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveMetrics } from './metrics-server.ts';
import { WorkerMetrics } from './worker-metrics.ts';
import { WorkerReport } from './worker-report.ts';

const report = new WorkerReport(new URL('http://mesh:7070'), 0);
const status = { busySlots: 1, queued: 3, typicalTokensPerSecond: null, serving: [], audits: 0, auditing: false };
let server: Awaited<ReturnType<typeof serveMetrics>>;
beforeAll(async () => {
  server = await serveMetrics(new WorkerMetrics(() => report.now), 0);
});
afterAll(() => server.close());

async function get(path: string, { host = `localhost:${server.port}`, method = 'GET' } = {}) {
  const asked = request({ host: '127.0.0.1', port: server.port, path, method, headers: { host } }).end();
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: Number(response.statusCode), text };
}

describe("a worker's metrics", () => {
  it('say how it stands at the moment that they are read', async () => {
    report.status({ ...status, slots: 4, answers: 7, tokens: 900, tokensPerSecond: 12.34 });
    report.life = () => 'participating';
    const { text } = await get('/metrics');
    expect(text).toContain('llmesh_worker_slots 4\n');
    expect(text).toContain('llmesh_worker_answers_total 7\n');
    expect(text).toContain('llmesh_worker_tokens_total 900\n');
    expect(text).toContain('llmesh_worker_tokens_per_second 12.3\n');
    expect(text).toContain('llmesh_worker_signed_tokens_total 0\n');
    expect(text).toContain('llmesh_worker_unfiled_tokens 0\n');
    expect(text).toContain('llmesh_worker_lending 1\n');
    expect(text).toContain('llmesh_worker_paused{why="memory"} 0\n');
    expect(text).toContain('process_resident_memory_bytes');
    report.turned({ why: 'memory', words: 'It swaps.' });
    report.life = () => 'connected';
    const paused = (await get('/metrics')).text;
    expect(paused).toContain('llmesh_worker_lending 0\n');
    expect(paused).toContain('llmesh_worker_paused{why="memory"} 1\n');
    // It is read twice, but counted once.
    expect(paused).toContain('llmesh_worker_answers_total 7\n');
  });

  it('are for this computer and nothing else', async () => {
    expect((await get('/metrics', { host: 'evil.example' })).status).toBe(403);
    expect((await get('/')).status).toBe(404);
    expect((await get('/metrics', { method: 'POST' })).status).toBe(405);
  });

  it('say which port is taken', async () => {
    const again = serveMetrics(new WorkerMetrics(() => report.now), server.port);
    await expect(again).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining('--metrics-port'),
    });
  });
});
