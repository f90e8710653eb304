/** A control plane, workers that lend for jobs, and `llmesh run`, as processes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { MeshOfProcesses } from '../testing/mesh-of-processes.ts';
import { startLlmesh, type Running } from '../testing/process.ts';

/** Everything here starts from its sources, on a computer that may be busy. */
const STARTS_MS = 180_000;
const PROGRAM = path.join(import.meta.dirname, '../../../bench/wasm/count.wasm');

describe('llmesh run', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-run-'));
  const mesh = MeshOfProcesses.forTests({}, () => rmSync(folder, { recursive: true, force: true }));

  const lend = async (name: string) => {
    const worker = startLlmesh(
      'worker',
      '--jobs',
      '2',
      '--mesh',
      mesh.url,
      '--data',
      path.join(folder, name),
      '--json',
    );
    mesh.started.push(worker);
    await worker.line((line) => line['ready'] === true);
    return worker;
  };
  const run = async (...args: string[]): Promise<Running> => {
    const running = startLlmesh('run', ...args, '--mesh', mesh.url, '--json');
    mesh.started.push(running);
    await running.exited;
    return running;
  };

  it('has a program of C run over files, by two volunteers each', { timeout: STARTS_MS }, async () => {
    await Promise.all([lend('one'), lend('two')]);
    const texts = { 'a.txt': 'one\n', 'b.txt': 'one\ntwo\n', 'c.txt': '' };
    for (const [name, text] of Object.entries(texts)) writeFileSync(path.join(folder, name), text);
    const out = path.join(folder, 'out');
    const running = await run(PROGRAM, '--input', path.join(folder, '*.txt'), '--arg', 'last', '--out', out);
    expect(await running.exited).toBe(0);
    const results = running.lines.filter(({ type }) => type === 'result');
    expect(results.map(({ input }) => String(input)).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(Object.keys(texts));
    for (const { agreed, end } of results) expect([new Set(agreed as string[]).size, end]).toEqual([2, 'exit']);
    const said = Object.keys(texts).map((name) => readFileSync(path.join(out, `${name}.out`), 'utf8'));
    expect(said).toEqual([1, 2, 0].map((lines) => `${lines} lines, ${4 * lines} bytes, 2 arguments, last last\n`));
    expect(readFileSync(path.join(out, 'b.txt.files', 'seen.txt'), 'utf8')).toBe('8\n');
  });

  it('says how a job ended that ran out of gas, and what to do', { timeout: STARTS_MS }, async () => {
    const running = await run(PROGRAM, '--gas', '50000');
    expect(await running.exited).toBe(1);
    expect(running.lines.at(-1)).toMatchObject({ type: 'result', end: 'gas', gas: 50_000 });
  });
});
