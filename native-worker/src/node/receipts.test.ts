/** Receipts between real processes: a control plane, a worker that may be killed, and a peer that asks. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fromBase32 } from '@llmesh/core/base/base32';
import type { ModelId } from '@llmesh/core/base/ids';
import { joinReceipt, readAcknowledgement } from '@llmesh/core/receipts/receipt';
import type { Kept } from '@llmesh/core/receipts/receipt-keeper';
import { RECEIPTS_FILE, ReceiptFile } from './receipt-file.ts';
import { readReport } from '../status/report-reader.ts';
import { startLlmesh, type Running } from '../testing/process.ts';
import { MeshOfProcesses } from '../testing/mesh-of-processes.ts';

const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../models/tiny/questions.json', import.meta.url)), 'utf8'),
);
const longest = questions.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
const PATIENCE = { timeout: 60_000, interval: 50 };
const root = mkdtempSync(path.join(os.tmpdir(), 'llmesh-paid-'));
describe('receipts between processes', () => {
  const mesh = MeshOfProcesses.forTests({ LLMESH_DATA: path.join(root, 'control') }, () =>
    rmSync(root, { recursive: true }),
  );

  async function lend(folder: string, ...more: string[]): Promise<{ worker: Running; peerId: string }> {
    const common = ['--threads', '1', '--gpu', 'off', '--json', '--data', folder];
    const worker = startLlmesh('worker', '--model', 'llmesh-tiny', '--mesh', mesh.url, ...common, ...more);
    mesh.started.push(worker);
    const ready = await worker.line((line) => line['ready'] === true);
    return { worker, peerId: String(ready['peerId']) };
  }

  /** Asks for the longest possible answer; its text goes to `heard`. */
  async function ask(heard: (text: string) => void, signal: AbortSignal) {
    const turns = [{ role: 'user' as const, content: longest.question }];
    const question = {
      model: 'llmesh-tiny' as ModelId,
      turns,
      sampling: { temperature: 0 },
      maxTokens: 200,
      only: null,
    };
    for await (const event of mesh.client.mesh.ask(question, signal)) {
      if (event.type === 'piece') heard(event.text);
      if (event.type === 'done') return event.summary;
    }
    return null;
  }

  async function filed(kind: string): Promise<number> {
    const text = await (await fetch(new URL('/metrics', mesh.url))).text();
    return Number(new RegExp(`llmesh_receipts_filed_total\\{kind="${kind}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  }

  /** The receipts that the worker left in its folder. */
  async function kept(folder: string): Promise<Kept[]> {
    const file = new ReceiptFile(folder);
    const all = await file.list();
    await file.close();
    return all;
  }

  it('an answer’s receipt is signed by both, filed by both, and kept by the worker', async () => {
    const folder = path.join(root, 'honest');
    const { worker, peerId } = await lend(folder);
    const receipt = await ask(() => {}, AbortSignal.timeout(60_000));
    expect(receipt).toMatchObject({ receipt: 'signed', provider: peerId });
    // Otherwise the next test would show nothing.
    expect(receipt?.completionTokens).toBeGreaterThan(40);
    await expect.poll(() => filed('receipt'), PATIENCE).toBe(2);
    await expect
      .poll(() => readFileSync(path.join(folder, RECEIPTS_FILE), 'utf8'), PATIENCE)
      .toContain('"settled":true');
    await expect.poll(async () => (await readReport(folder))?.signedTokens, PATIENCE).toBe(receipt?.completionTokens);
    expect((await readReport(folder))?.unfiledTokens).toBe(0);
    worker.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
    const [one, ...more] = await kept(folder);
    expect(more).toEqual([]);
    if (one?.filing.proof.kind !== 'receipt') throw new Error(`no receipt: ${JSON.stringify(one)}`);
    const { provider, requester } = one.filing.proof;
    expect(joinReceipt(fromBase32(provider)!, fromBase32(requester)!)).toMatchObject({
      provider: peerId,
      requester: mesh.client.mesh.self,
      model: 'llmesh-tiny',
      units: receipt?.completionTokens,
      inputUnits: receipt?.promptTokens,
    });
  });

  it('a worker killed in mid-answer holds the acknowledgement, and files it when it is back', async () => {
    const folder = path.join(root, 'killed');
    const file = path.join(folder, RECEIPTS_FILE);
    const { worker, peerId } = await lend(folder, '--max-speed', '20');
    let text = '';
    const broken = ask((piece) => (text += piece), AbortSignal.timeout(60_000)).catch((error: unknown) => error);
    await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8'), PATIENCE).toContain('acknowledgement');
    worker.strike('SIGKILL');
    expect(await broken).toMatchObject({ code: 'provider_lost' });
    const [held] = await kept(folder);
    if (held?.filing.proof.kind !== 'acknowledgement') throw new Error(`not held: ${JSON.stringify(held)}`);
    const acknowledged = readAcknowledgement(fromBase32(held.filing.proof.acknowledgement)!);
    expect(acknowledged).toMatchObject({ provider: peerId, requester: mesh.client.mesh.self });
    expect(acknowledged?.units).toBeGreaterThanOrEqual(32);
    expect(text).not.toBe('');
    expect(held.settled).toBe(false);
    expect(await filed('acknowledgement')).toBe(0);
    const again = await lend(folder);
    expect(again.peerId).toBe(peerId);
    await expect.poll(() => filed('acknowledgement'), PATIENCE).toBe(1);
    again.worker.kill('SIGTERM');
    expect(await again.worker.exited).toBe(0);
    expect(await kept(folder)).toMatchObject([{ settled: true }]);
  });
});
