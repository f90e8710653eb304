/** Two networks on one machine, as real processes: founded, served, joined, asked, and kept apart. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressIn } from '@llmesh/core/base/ids';
import type { NetworkId, PeerId } from '@llmesh/core/base/ids';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { verifyIn } from '@llmesh/core/identity/network-bound';
import { joinReceipt } from '@llmesh/core/receipts/receipt';
import { fromBase32 } from '@llmesh/core/base/base32';
import { openMeshNode, releaseMeshNodes } from '../../node/mesh-node.ts';
import { ReceiptFile } from '../../node/receipt-file.ts';
import { Running } from '../../testing/process.ts';

const PATIENCE = { timeout: 60_000, interval: 50 };
const root = mkdtempSync(path.join(os.tmpdir(), 'llmesh-networks-'));
const started: Running[] = [];

/** The command on the computer with this data folder. */
function llmesh(who: string, ...args: string[]): Running {
  const running = new Running(['native-worker/bin/llmesh.mjs', ...args], { LLMESH_DATA: path.join(root, who) });
  started.push(running);
  return running;
}

async function said(who: string, ...args: string[]): Promise<Record<string, unknown>> {
  const running = llmesh(who, ...args, '--json');
  await running.exited;
  const [line] = running.lines;
  if (line === undefined) throw new Error(`It said nothing. ${running.stderr}`);
  return line;
}

interface Served {
  network: NetworkId;
  url: string;
  genesis: string;
}

async function serve(who: string, name: string, symbol: string): Promise<Served> {
  const terms = ['--name', name, '--credit-name', `${name} credits`, '--credit-symbol', symbol];
  const founded = await said(who, 'init', ...terms, '--distribution', 'uptime:40,tasks:40,governance:20');
  const { url } = await llmesh(who, 'bootstrap', '--port', '0', '--json').line((line) => line['ready'] === true);
  return { network: founded['network'] as NetworkId, url: String(url), genesis: String(founded['genesis']) };
}

describe('two networks on one machine', () => {
  let one: Served;
  let other: Served;

  beforeAll(async () => {
    [one, other] = await Promise.all([serve('ada', 'OneNet', 'ONE'), serve('bob', 'OtherNet', 'OTH')]);
  }, 60_000);

  afterAll(async () => {
    releaseMeshNodes();
    for (const running of started) running.kill('SIGTERM');
    await Promise.all(started.map((running) => running.exited));
    rmSync(root, { recursive: true });
  });

  it('are joined by their ids, at any address that serves them, and later without one', async () => {
    const addresses = ['--bootstrap', 'ws://127.0.0.1:9', '--bootstrap', one.url.replace('http', 'ws')];
    const joined = await said('carla', 'join', '--network', one.network, ...addresses);
    expect(joined).toMatchObject({ network: one.network, name: 'OneNet', address: one.url, credit: { symbol: 'ONE' } });
    expect(await said('carla', 'join', '--network', one.network)).toMatchObject({ address: one.url });
    expect(await said('carla', 'networks')).toMatchObject({ networks: [{ network: one.network, current: true }] });
  });

  it('are not mistaken for each other: whoever is asked for one says which it serves', async () => {
    const wrong = await said('dora', 'join', '--network', one.network, '--bootstrap', other.url);
    expect(wrong).toMatchObject({ error: { code: 'control_unreachable' } });
    expect(JSON.stringify(wrong)).toContain(other.network);
    const visitor = await openMeshNode(addressIn(new URL(other.url), one.network));
    await expect.poll(() => visitor.control.state, PATIENCE).toBe('refused');
    expect(visitor.control.refusal).toMatchObject({ code: 'control_refused' });
    await visitor.close();
  });

  it('exchange no peer, no lease and no receipt', async () => {
    await said('erik', 'join', '--network', one.network, '--bootstrap', one.url);
    const folder = path.join(root, 'erik');
    const worker = llmesh('erik', 'worker', '--model', 'llmesh-tiny', '--threads', '1', '--gpu', 'off', '--json');
    const ready = await worker.line((line) => line['ready'] === true);
    const provider = ready['peerId'] as PeerId;
    await said('carla', 'join', '--network', one.network, '--bootstrap', one.url);
    const chat = llmesh('carla', 'chat', 'What is LLMesh?', '--no-checks', '--json');
    const done = await chat.line((line) => line['done'] !== undefined || line['error'] !== undefined);
    expect(done['error']).toBeUndefined();
    await expect
      .poll(() => readFileSync(path.join(folder, 'receipts.jsonl'), 'utf8'), PATIENCE)
      .toContain('settled":true');
    // Nobody names a mesh, and its credits are called as its founder called them.
    expect(await said('erik', 'balance')).toMatchObject({ mesh: one.url, credit: { symbol: 'ONE' } });
    worker.kill('SIGTERM');
    await worker.exited;
    const file = new ReceiptFile(folder);
    const kept = await file.list();
    await file.close();
    const proof = kept[0]?.filing.proof;
    if (proof?.kind !== 'receipt') throw new Error('no receipt');
    const halves = [fromBase32(proof.provider)!, fromBase32(proof.requester)!] as const;
    const countsIn = (network: NetworkId | null) => joinReceipt(...halves, verifyIn({ network }, nodeVerify)) !== null;
    expect([one.network, other.network, null].map(countsIn)).toEqual([true, false, false]);
    // The receipt, brought to the other network, is refused there, and its peers are not listed.
    const stranger = await openMeshNode(new URL(other.url));
    await expect.poll(() => stranger.control.state, PATIENCE).toBe('open');
    expect(stranger.control.network).toBe(other.network);
    await expect(stranger.control.file(kept[0]!.filing, AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: 'receipt_refused',
    });
    await stranger.close();
    const listed = async ({ url }: Served) => JSON.stringify(await (await fetch(new URL('/api/peers', url))).json());
    expect(await listed(other)).not.toContain(provider);
    const metrics = await (await fetch(new URL('/metrics', other.url))).text();
    expect(metrics).not.toMatch(/llmesh_receipts_filed_total\{[^}]*\} [1-9]/);
  }, 120_000);

  it('are not founded on what cannot be, and the founder is told why', async () => {
    const terms = ['--name', 'Net', '--credit-name', 'C', '--credit-symbol', 'C'];
    const founded = (...more: string[]) => said('finn', 'init', ...terms, ...more);
    expect(await founded('--distribution', 'uptime:90,tasks:40,governance:20')).toMatchObject({
      error: { code: 'order_refused', message: expect.stringContaining('add up to 100') },
    });
    expect(await founded('--set', 'slash=90')).toMatchObject({ error: { code: 'order_refused' } });
    expect(await founded('--logic', path.join(root, 'nowhere.ts'))).toMatchObject({
      error: { code: 'model_not_found' },
    });
    const running = llmesh('finn', 'init', '--name', 'Net', '--json');
    expect(await running.exited).toBe(1);
    expect(running.lines[0]).toMatchObject({ error: { message: expect.stringContaining('--credit-name') } });
    expect(await said('finn', 'bootstrap', '--port', '0')).toMatchObject({ error: { code: 'control_refused' } });
  });

  it('have their logic in their ids', async () => {
    const logic = path.join(root, 'logic.ts');
    const terms = ['--name', 'Net', '--credit-name', 'C', '--credit-symbol', 'C', '--logic', logic];
    writeFileSync(logic, 'export {};\n');
    const first = await said('gina', 'init', ...terms);
    writeFileSync(logic, 'export { };\n');
    const second = await said('gina', 'init', ...terms);
    expect(first['logic']).toMatch(/^[0-9a-f]{64}$/);
    expect(second['logic']).not.toBe(first['logic']);
    expect(second['network']).not.toBe(first['network']);
  });
});
